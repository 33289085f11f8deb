//! Sending a message.

use std::sync::Arc;

use alo_protocol::{ErrorBody, ErrorCode};

use super::{Answer, Loaded, LoadedLog, Needs, Writes, files, reads};
use crate::store::{
    Committed, Draft, LogId, Notice, render,
    rows::{EventKind, EventRow, MessageRow},
};

/// Adds what this draft needs to know.
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

/// Stores a draft unless it is known or must be refused: `idempotency-conflict`, `message-not-found` and
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
    log.last_ms = timestamp(log.last_ms, draft.now_ms);
    let row = Arc::new(MessageRow {
        id: draft.id,
        channel: draft.channel.clone(),
        seq: log.head,
        version: log.head,
        edited: None,
        user_id: draft.user_id.clone(),
        at_ms: log.last_ms,
        content: draft.content.clone(),
        metadata: draft.metadata.clone().unwrap_or_default().into(),
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
    let event = render::log_event(&id, &log.epoch, event, &message);
    reads::sent(loaded, writes, &row);
    Ok(Committed {
        notice: Notice::Event(event),
        message: message.into(),
    })
}

/// Time never goes back in a log by less than this: a clock that is set back a little leaves timestamps where
/// they were. One that was far ahead for a moment must not push all later messages into the future for ever.
const AHEAD_MS: u64 = 60_000;

/// The time of the next event of a log.
const fn timestamp(last_ms: u64, now_ms: u64) -> u64 {
    if last_ms.saturating_sub(now_ms) <= AHEAD_MS && last_ms > now_ms {
        last_ms
    } else {
        now_ms
    }
}

fn known_in(log: &LoadedLog, id: &LogId, draft: &Draft) -> Option<Answer> {
    if log.gone_keys.contains(&draft.key) {
        return Some(Err(gone()));
    }
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
        "parentId: the channel has no such message",
    )
}

fn gone() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::Gone,
        "key: the message that was sent with it has been deleted",
    )
}

fn key_conflict() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::IdempotencyConflict,
        "key: was used before in this channel, for a message of another user",
    )
}

#[cfg(test)]
mod tests {
    use alo_protocol::Uuid;
    use serde_json::Value;

    use super::*;
    use crate::store::{
        Change,
        rules::{self, LogNeeds},
    };

    const A: &str = "a";

    fn id(number: u8) -> Uuid {
        Uuid::from_bytes([number; 16])
    }

    fn draft(number: u8, now_ms: u64) -> Draft {
        Draft {
            id: id(number),
            key: id(100 + number),
            channel: A.parse().unwrap(),
            user_id: "ada".into(),
            content: format!("message {number}"),
            metadata: None,
            parent_id: None,
            file_ids: Vec::new(),
            now_ms,
        }
    }

    fn log() -> LogId {
        draft(0, 0).channel.into()
    }

    /// A log whose last event is the fifth, stored at 50.
    fn loaded() -> Loaded {
        let mut loaded = Loaded::default();
        let log_of_a = LoadedLog {
            epoch: "e".into(),
            head: 5,
            last_ms: 50,
            ..LoadedLog::default()
        };
        loaded.logs.insert(log(), log_of_a);
        loaded
    }

    fn decide(loaded: Loaded, drafts: Vec<Draft>) -> (Writes, Vec<Answer>) {
        let changes: Vec<_> = drafts.into_iter().map(Change::Send).collect();
        rules::decide(loaded, &changes)
    }

    #[test]
    fn a_draft_needs_its_log_its_key_its_parent_and_its_files() {
        let mut needs = Needs::default();
        let reply = Draft {
            parent_id: Some(id(9)),
            file_ids: vec![id(7), id(8)],
            ..draft(1, 0)
        };
        super::needs(&mut needs, &reply);
        super::needs(&mut needs, &draft(2, 0));
        let log_needs = LogNeeds {
            keys: vec![id(101), id(102)],
            messages: vec![id(9)],
            ..LogNeeds::default()
        };
        assert_eq!(needs.logs, [(log(), log_needs)].into());
        assert_eq!(needs.files, [id(7), id(8)]);
    }

    #[test]
    fn messages_are_numbered_on_and_time_does_not_go_back() {
        let (writes, answers) = decide(loaded(), vec![draft(1, 40), draft(2, 60)]);
        let written = &writes.logs[&log()];
        assert_eq!((written.head, written.last_ms), (7, 60));
        let rows = written.messages.iter();
        let rows: Vec<_> = rows.map(|(key, row)| (*key, row.seq, row.at_ms)).collect();
        assert_eq!(rows, [(id(101), 6, 50), (id(102), 7, 60)]);
        let events: Vec<_> = written.events.iter().map(|event| event.seq).collect();
        assert_eq!(events, [6, 7]);
        let event = answers[1].as_ref().unwrap().event().unwrap();
        let push: Value = serde_json::from_str(&event.push).unwrap();
        assert_eq!((&push["epoch"], &push["seq"]), (&"e".into(), &7.into()));
    }

    #[test]
    fn a_clock_that_was_far_ahead_does_not_push_later_timestamps_for_ever() {
        for (last_ms, now_ms, expected) in [
            (50, 60, 60),
            (60, 50, 60),
            (AHEAD_MS + 50, 50, AHEAD_MS + 50),
            (AHEAD_MS + 51, 50, 50),
            (u64::MAX, 0, 0),
        ] {
            assert_eq!(timestamp(last_ms, now_ms), expected, "{last_ms} {now_ms}");
        }
    }

    #[test]
    fn what_is_refused_or_known_writes_nothing() {
        let (writes, _) = decide(loaded(), vec![draft(1, 0)]);
        let mut loaded = loaded();
        let stored = writes.logs[&log()].messages[0].1.clone();
        loaded.log(&log()).keys.insert(id(101), stored);
        let of_another = Draft {
            user_id: "bob".into(),
            ..draft(1, 0)
        };
        let orphan = Draft {
            parent_id: Some(id(99)),
            ..draft(2, 0)
        };
        let without_file = Draft {
            file_ids: vec![id(98)],
            ..draft(3, 0)
        };
        let drafts = vec![draft(1, 0), of_another, orphan, without_file];
        let (writes, answers) = decide(loaded, drafts);
        assert!(writes.logs.is_empty() && writes.attached.is_empty());
        let notice = &answers[0].as_ref().unwrap().notice;
        assert!(matches!(notice, Notice::Head { seq: 6, .. }), "{notice:?}");
        let codes = answers[1..]
            .iter()
            .map(|answer| answer.as_ref().unwrap_err().code);
        assert_eq!(
            Vec::from_iter(codes),
            [
                ErrorCode::IdempotencyConflict,
                ErrorCode::MessageNotFound,
                ErrorCode::FileNotFound
            ]
        );
    }

    #[test]
    fn a_batch_is_decided_as_one_by_one() {
        let reply = |number, parent| Draft {
            parent_id: Some(id(parent)),
            ..draft(number, 0)
        };
        let same_key = Draft {
            key: id(101),
            ..draft(4, 0)
        };
        let drafts = vec![draft(1, 0), reply(2, 1), reply(3, 2), same_key];
        let (writes, answers) = decide(loaded(), drafts);
        assert_eq!(writes.logs[&log()].messages.len(), 3);
        let shown = |index: usize| -> Value {
            serde_json::from_str(&answers[index].as_ref().unwrap().message).unwrap()
        };
        assert_eq!(shown(1)["parent"], shown(0));
        assert_eq!(shown(2)["rootMessageId"], shown(0)["id"]);
        assert_eq!(shown(3), shown(0));
    }
}
