//! Counting messages since a time: every count is that of the database at the moment when it was read.

use alo_chat::core::{Error, Lane, Settled};
use alo_protocol::{ChannelId, Counts, MAX_COUNT, MessageCounts};

use crate::{
    client::Call,
    oracle::{Model, Verdict},
    page::PageId,
    wire::Payload,
    world::World,
};

// What a user does.
impl World {
    /// Counts the messages that some channels have had since some time.
    pub(crate) fn count_messages(&mut self, index: usize) {
        let mut channels = self.channels();
        self.rng.shuffle(&mut channels);
        channels.truncate(self.rng.usize(1..=channels.len()));
        let page = self.page(index);
        let call = self.clients[index].next_call(Call::Counts(channels.clone()));
        let since = channels.iter().map(|channel| {
            let ago = self.rng.u64(..600_000);
            let timestamp = crate::gateway::UNIX_MS + self.now.saturating_sub(ago);
            format!(r#"{{"channelId":"{channel}","timestamp":{timestamp}}}"#)
        });
        let since = since.collect::<Vec<_>>().join(",");
        self.note(|| format!("{page} counts {since}"));
        let body = format!(r#""counts","params":{{"channels":[{since}]"#);
        self.request(index, call, "counts", body, Lane::Retry);
    }

    pub(crate) fn counts_settled(
        &mut self,
        page: PageId,
        channels: &[ChannelId],
        result: Result<Settled<Payload>, Error>,
    ) -> Verdict {
        match result {
            Ok(Settled::Value(result)) => {
                self.counts.add("counts of messages");
                let counts: Counts = serde_json::from_str(result.as_str())
                    .map_err(|error| format!("counts are {result:?}: {error}"))?;
                let answered = counts.channels.iter().map(|one| &one.id);
                if answered.eq(channels) {
                    Ok(())
                } else {
                    Err(format!("{page}: {channels:?} were counted as {counts:?}"))
                }
            }
            Ok(other) => Err(format!("{page}: counts were answered with {other:?}")),
            Err(_) => {
                self.counts.add("counts of messages refused");
                Ok(())
            }
        }
    }
}

impl Model {
    /// What was counted just now is what there is.
    pub(crate) fn counted(&self, asked: &MessageCounts, counts: &Counts) -> Verdict {
        for (since, counted) in asked.channels.iter().zip(&counts.channels) {
            let expected = self.sent_after(&since.channel_id, since.timestamp);
            let expected = expected.min(MAX_COUNT as usize);
            if counted.count as usize != expected {
                return Err(format!("{counted:?} after {since:?}, not {expected}"));
            }
        }
        Ok(())
    }
}
