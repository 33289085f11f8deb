//! Deleting a message, and cutting a log.

use alo_protocol::{ErrorBody, ErrorCode};

use super::{Answer, Loaded, LoadedLog, LogNeeds, Needs, Writes};
use crate::store::{
    Committed, Cut, Deleter, Deletion, LogId, Notice, Upto, render,
    rows::{EventKind, EventRow},
};

/// Adds what a deletion needs to know.
pub(super) fn needs(needs: &mut Needs, deletion: &Deletion) {
    let log = needs
        .logs
        .entry(deletion.channel.clone().into())
        .or_default();
    log.messages.push(deletion.message);
}

/// Adds what a cut needs to know.
pub(super) fn cut_needs(needs: &mut Needs, cut: &Cut) {
    let log: &mut LogNeeds = needs.logs.entry(cut.channel.clone().into()).or_default();
    log.oldest = log.oldest.max(cut.most);
}

/// Deletes a message: of it remain its id, its key and its place. One that is deleted already stays so, with the
/// same answer. `message-not-found` for one that the deleter may not delete.
pub(super) fn decide(loaded: &mut Loaded, writes: &mut Writes, deletion: &Deletion) -> Answer {
    let id = LogId::from(deletion.channel.clone());
    if let Some(answer) = known(loaded, deletion) {
        return answer;
    }
    let log = loaded.log(&id);
    let row = log
        .messages
        .get(&deletion.message)
        .filter(|row| match &deletion.by {
            Deleter::Platform => true,
            Deleter::User(user) => row.user_id == *user,
        });
    let Some(row) = row.cloned() else {
        return Err(not_found());
    };
    // From here on nothing is refused.
    log.head += 1;
    let event = EventRow {
        seq: log.head,
        kind: EventKind::MessageDeleted,
        message: row.seq,
    };
    log.forget(row.id, row.seq);
    let written = writes.logs.entry(id.clone()).or_default();
    (written.head, written.last_ms) = (log.head, log.last_ms);
    written.events.push(event);
    written.deleted.push(row.seq);
    let deleted = render::deleted(&deletion.channel, row.id, row.seq);
    let notice = Notice::Event(render::log_event(&id, &log.epoch, event, &deleted));
    for file in loaded.files.values_mut() {
        if file.message == Some(row.id) {
            (file.message, file.ended) = (None, true);
        }
    }
    writes.ended.push(row.id);
    Ok(Committed {
        message: deleted.into(),
        notice,
    })
}

/// The answer to a deletion of a message that is deleted.
pub(super) fn known(loaded: &Loaded, deletion: &Deletion) -> Option<Answer> {
    let id = LogId::from(deletion.channel.clone());
    let log = loaded.logs.get(&id)?;
    let seq = *log.gone.get(&deletion.message)?;
    Some(Ok(Committed {
        message: render::deleted(&deletion.channel, deletion.message, seq).into(),
        notice: head_of(&id, log),
    }))
}

/// Moves the beginning of a log and removes some of the messages before it. What is before it is gone for readers
/// at once, however long the removal takes.
pub(super) fn decide_cut(loaded: &mut Loaded, writes: &mut Writes, cut: &Cut) -> Answer {
    let id = LogId::from(cut.channel.clone());
    let log = loaded.log(&id);
    let before = log.cut;
    match cut.upto {
        Upto::All if log.head > log.cut => {
            // Subscribers who stand at the head must learn of it: what is missing behind them is a gap.
            log.head += 1;
            log.cut = log.head;
        }
        Upto::OlderThan(ms) => {
            let older = log.oldest.iter().rev().find(|old| old.at_ms < ms);
            log.cut = older.map_or(log.cut, |old| old.seq.max(log.cut));
        }
        Upto::All | Upto::Known => {}
    }
    let (least, moved) = (log.cut, log.cut > before);
    // What this batch has written stands behind what was loaded, and is left to the next step.
    let old = log.oldest.iter().filter(|old| old.seq <= least);
    let old: Vec<_> = old.take(cut.most).copied().collect();
    if moved || !old.is_empty() {
        log.forget_until(least);
        log.oldest.retain(|kept| !old.contains(kept));
        let written = writes.logs.entry(id.clone()).or_default();
        (written.head, written.last_ms) = (log.head, log.last_ms);
        written.cut = Some(least);
        // As far as their messages are removed, so that no step removes more than it should.
        let last = old.last().filter(|_| old.len() == cut.most);
        written.events_until = last.map_or(least, |old| old.seq);
        written.deleted.extend(old.iter().map(|old| old.seq));
        writes.ended.extend(old.iter().map(|old| old.id));
    }
    Ok(Committed {
        message: "{}".into(),
        notice: head_of(&id, log),
    })
}

/// The answer to a cut that was made before: subscribers may not have learned of it.
pub(super) fn known_cut(loaded: &Loaded, cut: &Cut) -> Option<Answer> {
    let id = LogId::from(cut.channel.clone());
    let log = loaded.logs.get(&id)?;
    let is_known = cut.upto == Upto::All && log.cut == log.head && log.head > 0;
    is_known.then(|| {
        Ok(Committed {
            message: "{}".into(),
            notice: head_of(&id, log),
        })
    })
}

fn head_of(id: &LogId, log: &LoadedLog) -> Notice {
    Notice::Head {
        log: id.clone(),
        seq: log.head,
    }
}

fn not_found() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::MessageNotFound,
        "messageId: the channel has no such message",
    )
}
