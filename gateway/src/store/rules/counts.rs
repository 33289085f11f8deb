//! How many messages channels have had since a time.

use alo_protocol::{ChannelCount, Counts, ErrorBody, MAX_COUNT, MessageCounts};

use super::ReadLogs;

/// Counts each channel up to [`MAX_COUNT`], which bounds what a request costs.
pub(super) fn read(logs: &dyn ReadLogs, counts: &MessageCounts) -> Result<Counts, ErrorBody> {
    let count = |since: &alo_protocol::ChannelSince| {
        let mut rows = logs.open(&since.channel_id.clone().into())?;
        Ok(ChannelCount {
            id: since.channel_id.clone(),
            count: rows.count_since(since.timestamp, MAX_COUNT)?,
        })
    };
    let channels = counts.channels.iter().map(count).collect::<Result<_, _>>();
    channels.map(|channels| Counts { channels })
}
