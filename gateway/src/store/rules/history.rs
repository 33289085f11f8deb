//! Pages of a channel's messages.

use alo_protocol::{
    ErrorBody, ErrorCode, History, HistoryAround, HistoryPage, MAX_LIMIT, NewerPageToken,
    OlderPageToken, Uuid,
};
use serde_json::value::RawValue;

use super::{Beyond, Place, ReadRows};

/// The newest messages, or those next to where an earlier page ended.
pub(super) fn page(
    rows: &mut dyn ReadRows,
    history: &History,
    bytes: usize,
) -> Result<HistoryPage, ErrorBody> {
    let room = Room {
        messages: check_limit(history.limit)?,
        bytes,
        one_always: true,
    };
    let cursor = rows.head()?;
    let (run, older, newer) = match (history.older_page_token, history.newer_page_token) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "newerPageToken: cannot stand beside olderPageToken",
            ));
        }
        (None, None) => {
            let run = gather(rows, Beyond::Older(u64::MAX), room)?;
            let older = run.more.then(|| run.end()).flatten();
            (run, older, None)
        }
        (Some(OlderPageToken(id)), None) => {
            let seq = place_of_token(rows, id, "olderPageToken")?;
            let run = gather(rows, Beyond::Older(seq), room)?;
            let older = run.more.then(|| run.end()).flatten();
            let newer = back(rows, run.start(), id, Beyond::Newer(seq))?;
            (run, older, newer)
        }
        (None, Some(NewerPageToken(id))) => {
            let seq = place_of_token(rows, id, "newerPageToken")?;
            let mut run = gather(rows, Beyond::Newer(seq), room)?;
            let newer = run.more.then(|| run.end()).flatten();
            let older = back(rows, run.start(), id, Beyond::Older(seq))?;
            run.messages.reverse();
            (run, older, newer)
        }
    };
    Ok(HistoryPage {
        messages: run.messages.into_iter().map(|(_, json)| json).collect(),
        older_page_token: older.map(OlderPageToken),
        newer_page_token: newer.map(NewerPageToken),
        cursor,
    })
}

/// A message with its neighbours.
pub(super) fn around(
    rows: &mut dyn ReadRows,
    around: &HistoryAround,
    bytes: usize,
) -> Result<HistoryPage, ErrorBody> {
    let limit = check_limit(around.limit)?;
    let cursor = rows.head()?;
    let id = around.message_id;
    let Some(Place::Present(seq)) = rows.place(id)? else {
        return Err(ErrorBody::new(
            ErrorCode::MessageNotFound,
            "messageId: the channel has no such message",
        ));
    };
    let one = Room {
        messages: 1,
        bytes,
        one_always: true,
    };
    let middle = gather(rows, Beyond::Newer(seq - 1), one)?;
    let left = bytes.saturating_sub(middle.bytes);
    let side = |bytes| Room {
        messages: limit,
        bytes,
        one_always: false,
    };
    let older = gather(rows, Beyond::Older(seq), side(left / 2))?;
    let newer = gather(rows, Beyond::Newer(seq), side(left - older.bytes))?;
    let older_page_token = older
        .more
        .then(|| OlderPageToken(older.end().unwrap_or(id)));
    let newer_page_token = newer
        .more
        .then(|| NewerPageToken(newer.end().unwrap_or(id)));
    let newer = newer.messages.into_iter().rev();
    let messages = newer.chain(middle.messages).chain(older.messages);
    Ok(HistoryPage {
        messages: messages.map(|(_, json)| json).collect(),
        older_page_token,
        newer_page_token,
        cursor,
    })
}

/// How much may be collected.
#[derive(Clone, Copy)]
struct Room {
    messages: usize,
    bytes: usize,
    /// One message is collected even if it is larger.
    one_always: bool,
}

/// Consecutive messages, the nearest to the starting point first.
#[derive(Default)]
struct Run {
    messages: Vec<(Uuid, Box<RawValue>)>,
    bytes: usize,
    /// Whether there are more beyond them.
    more: bool,
}

impl Run {
    fn start(&self) -> Option<Uuid> {
        self.messages.first().map(|(id, _)| *id)
    }

    fn end(&self) -> Option<Uuid> {
        self.messages.last().map(|(id, _)| *id)
    }
}

fn gather(rows: &mut dyn ReadRows, beyond: Beyond, room: Room) -> Result<Run, ErrorBody> {
    let mut run = Run::default();
    rows.messages(beyond, &mut |row| {
        if run.messages.len() == room.messages {
            run.more = true;
            return false;
        }
        // One that is not there any more, or cannot be read, is left out: the others are still returned.
        let Some(shown) = row else {
            return true;
        };
        let json = shown.raw();
        let is_due = room.one_always && run.messages.is_empty();
        if !is_due && run.bytes + json.get().len() > room.bytes {
            run.more = true;
            return false;
        }
        run.bytes += json.get().len();
        run.messages.push((shown.message.id, json));
        true
    })?;
    Ok(run)
}

/// Whether the way back from a page has messages: that of the token, or if it was deleted, those beyond it. For an
/// empty page only what is beyond it counts, since the reader has the message of the token.
fn back(
    rows: &mut dyn ReadRows,
    start: Option<Uuid>,
    token: Uuid,
    behind: Beyond,
) -> Result<Option<Uuid>, ErrorBody> {
    if start.is_some() && matches!(rows.place(token)?, Some(Place::Present(_))) {
        return Ok(start);
    }
    let none = Room {
        messages: 0,
        bytes: 0,
        one_always: false,
    };
    let more = gather(rows, behind, none)?.more;
    Ok(more.then_some(start.unwrap_or(token)))
}

fn place_of_token(rows: &mut dyn ReadRows, id: Uuid, name: &str) -> Result<u64, ErrorBody> {
    match rows.place(id)? {
        // Pages go on where one has ended, whatever became of its last message.
        Some(Place::Present(seq) | Place::Deleted(seq)) => Ok(seq),
        None => Err(invalid(format!("{name}: is of no page of this channel"))),
    }
}

fn check_limit(limit: u32) -> Result<usize, ErrorBody> {
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit as usize)
    } else {
        Err(invalid(format!("limit: must be 1 to {MAX_LIMIT}")))
    }
}

fn invalid(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidArgument, message)
}
