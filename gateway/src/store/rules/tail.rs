//! The events after a place in a log.

use alo_protocol::ErrorBody;

use super::ReadRows;
use crate::store::{LogEvent, LogId, PageLimit, Rows, render};

/// The events after `after`, as far as none is missing; [`Rows::Gap`] if the very next one is, or was cut off.
pub(super) fn read(
    rows: &mut dyn ReadRows,
    log: &LogId,
    after: u64,
    limit: PageLimit,
) -> Result<Rows, ErrorBody> {
    let head = rows.head()?;
    if after < rows.cut() {
        return Ok(Rows::Gap(head));
    }
    let mut page = Vec::new();
    let mut bytes = 0;
    let mut is_full = limit.events == 0;
    if after < head.seq && !is_full {
        rows.events(after, &mut |row| {
            let expected = after + 1 + page.len() as u64;
            let Some((event, subject)) = row.filter(|(event, _)| event.seq == expected) else {
                return false;
            };
            let event: LogEvent =
                render::log_event(log, &head.epoch, event, &subject.json(log, event));
            is_full = !page.is_empty() && bytes + event.push.len() > limit.bytes;
            if is_full {
                return false;
            }
            bytes += event.push.len();
            page.push(event);
            page.len() < limit.events
        })?;
    }
    if page.is_empty() && after < head.seq && !is_full {
        tracing::error!(?log, after, head = head.seq, "events are missing");
        return Ok(Rows::Gap(head));
    }
    Ok(Rows::Events(page))
}
