//! Sending a message.

use std::sync::Arc;

use alo_protocol::{ErrorBody, ErrorCode, JsonObject};

use super::{Answer, Loaded, LoadedLog, Needs, Writes, files};
use crate::store::{
    Committed, Draft, LogId, Notice, render,
    rows::{EventKind, EventRow, MessageRow},
};

/// Adds what this draft has to know.
pub(super) fn needs(needs: &mut Needs, draft: &Draft) {
    let log = needs.logs.entry(draft.channel.clone().into()).or_default();
    log.keys.push(draft.key);
    log.messages.extend(draft.parent_id);
    needs.files.extend(&draft.file_ids);
}

/// The answer to a draft whose key is known.
pub(super) fn known(loaded: &Loaded, draft: &Draft) -> Option<Answer> {
    let id = LogId::from(draft.channel.clone());
    known_in(loaded.logs.get(&id)?, &id, draft)
}

/// Stores a draft unless it is known or has to be refused: `idempotency-conflict`, `message-not-found` and
/// those of [`files::attach`]. One that is refused writes nothing.
pub(super) fn decide(loaded: &mut Loaded, writes: &mut Writes, draft: &Draft) -> Answer {
    let id = LogId::from(draft.channel.clone());
    if let Some(answer) = known_in(loaded.log(&id), &id, draft) {
        return answer;
    }
    let parent = match draft.parent_id {
        None => None,
        Some(parent) => {
            let parent = loaded.log(&id).messages.get(&parent);
            Some(parent.ok_or_else(parent_not_found)?.clone())
        }
    };
    let files = files::attach(&mut loaded.files, &mut writes.attached, draft)?;
    // From here on nothing is refused.
    let log = loaded.log(&id);
    log.head += 1;
    log.last_ms = log.last_ms.max(draft.now_ms);
    let row = Arc::new(MessageRow {
        id: draft.id,
        channel: draft.channel.clone(),
        seq: log.head,
        user_id: draft.user_id.clone(),
        at_ms: log.last_ms,
        content: draft.content.clone(),
        metadata: draft
            .metadata
            .clone()
            .unwrap_or_else(JsonObject::default)
            .into(),
        parent: draft.parent_id,
        root: parent.map(|parent| parent.root.unwrap_or(parent.id)),
        files,
    });
    let event = EventRow {
        seq: row.seq,
        kind: EventKind::MessageNew,
        message: row.seq,
    };
    let written = writes.logs.entry(id.clone()).or_default();
    (written.head, written.last_ms) = (log.head, log.last_ms);
    written.messages.push((draft.key, row.clone()));
    written.events.push(event);
    log.keys.insert(draft.key, row.clone());
    log.messages.insert(row.id, row.clone());
    let message = log.show(&row);
    Ok(Committed {
        notice: Notice::Event(render::log_event(&id, &log.epoch, event, &message)),
        message: message.into(),
    })
}

fn known_in(log: &LoadedLog, id: &LogId, draft: &Draft) -> Option<Answer> {
    let row = log.keys.get(&draft.key)?;
    if row.user_id != draft.user_id {
        return Some(Err(key_conflict()));
    }
    Some(Ok(Committed {
        message: log.show(row).into(),
        notice: Notice::Head {
            log: id.clone(),
            seq: row.seq,
        },
    }))
}

fn parent_not_found() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::MessageNotFound,
        "parentId: no such message is in the channel",
    )
}

fn key_conflict() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::IdempotencyConflict,
        "key: was used before in this channel for another user's message",
    )
}
