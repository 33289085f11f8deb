//! What users have read.

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, ReadCount, ReadCounts, UserId};

use super::{Answer, Loaded, Needs, ReadEvent, ReadLogs, Unread, Writes};
use crate::store::{
    Committed, LogId, Mark, Notice, render,
    rows::{EventKind, EventRow, MessageRow, ReadRow},
};

/// Events of a user's own log that are kept; a device that is further behind gets a gap.
pub(super) const KEPT: u64 = 1_000;

/// Adds what a mark needs to know.
pub(super) fn needs(needs: &mut Needs, mark: &Mark) {
    let log = needs.logs.entry(mark.channel.clone().into()).or_default();
    log.messages.push(mark.message);
    log.readers.push(mark.user.clone());
    needs
        .logs
        .entry(LogId::User(mark.user.clone()))
        .or_default();
}

/// Moves a mark forward. `message-not-found` for a message that the channel never had.
pub(super) fn decide(loaded: &mut Loaded, writes: &mut Writes, mark: &Mark) -> Answer {
    let channel = loaded.log(&mark.channel.clone().into());
    let place = match channel.messages.get(&mark.message) {
        Some(row) => Some(read_row(row)),
        None => channel.gone.get(&mark.message).map(|&seq| ReadRow {
            seq,
            id: Some(mark.message),
            at_ms: None,
        }),
    };
    let place = place.ok_or_else(not_found)?;
    if let Some(answer) = known(loaded, mark) {
        return answer;
    }
    // From here on nothing is refused.
    let channel = loaded.log(&mark.channel.clone().into());
    channel.reads.insert(mark.user.clone(), place);
    let reader = (mark.user.clone(), mark.channel.clone());
    writes.reads.insert(reader, place.seq);
    let id = LogId::User(mark.user.clone());
    let own = loaded.log(&id);
    own.head += 1;
    let written = writes.logs.entry(id.clone()).or_default();
    (written.head, written.last_ms) = (own.head, own.last_ms);
    if own.head - own.cut > KEPT {
        own.cut = own.head - KEPT;
        (written.cut, written.events_until) = (Some(own.cut), own.cut);
    }
    writes.read_events.push(ReadEvent {
        user: mark.user.clone(),
        seq: own.head,
        channel: mark.channel.clone(),
    });
    let event = EventRow {
        seq: own.head,
        kind: EventKind::ReadUpdated,
        message: place.seq,
    };
    let data = render::read(&mark.channel, Some(place));
    Ok(Committed {
        notice: Notice::Event(render::log_event(&id, &own.epoch, event, &data)),
        message: data.into(),
    })
}

/// The answer to a mark that is not further than the present one, which it states, or than what is cut off.
pub(super) fn known(loaded: &Loaded, mark: &Mark) -> Option<Answer> {
    let channel = loaded.logs.get(&mark.channel.clone().into())?;
    let row = channel.messages.get(&mark.message);
    let seq = row.map(|row| row.seq);
    let seq = seq.or_else(|| channel.gone.get(&mark.message).copied())?;
    let present = channel.reads.get(&mark.user).copied();
    let read = present.map_or(0, |mark| mark.seq).max(channel.cut);
    let id = LogId::User(mark.user.clone());
    let own = loaded.logs.get(&id)?;
    (seq <= read).then(|| {
        Ok(Committed {
            message: render::read(&mark.channel, present).into(),
            notice: Notice::Head {
                seq: own.head,
                log: id,
            },
        })
    })
}

/// A user who sends a message has read what stands before it.
pub(super) fn sent(loaded: &mut Loaded, writes: &mut Writes, row: &MessageRow) {
    // Other senders' names are not users of this gateway, and read nothing.
    let Ok(user) = row.user_id.parse::<UserId>() else {
        return;
    };
    let log = loaded.log(&row.channel.clone().into());
    log.reads.insert(user.clone(), read_row(row));
    writes.reads.insert((user, row.channel.clone()), row.seq);
}

/// Answers [`Query::Reads`](crate::store::Query::Reads).
pub(super) fn counts(
    logs: &dyn ReadLogs,
    user: &UserId,
    channels: &[ChannelId],
) -> Result<ReadCounts, ErrorBody> {
    let count = |channel: &ChannelId| {
        let Unread {
            cursor,
            mark,
            count,
        } = logs.open(&channel.clone().into())?.unread(user)?;
        Ok::<_, ErrorBody>(ReadCount {
            id: channel.clone(),
            count,
            last_read_message_id: mark.and_then(|mark| mark.id),
            last_read_timestamp: mark.and_then(|mark| mark.at_ms).map(|ms| ms.to_string()),
            cursor,
        })
    };
    let channels = channels
        .iter()
        .map(count)
        .collect::<Result<_, ErrorBody>>()?;
    Ok(ReadCounts { channels })
}

fn read_row(row: &MessageRow) -> ReadRow {
    ReadRow {
        seq: row.seq,
        id: Some(row.id),
        at_ms: Some(row.at_ms),
    }
}

fn not_found() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::MessageNotFound,
        "messageId: the channel has no such message",
    )
}
