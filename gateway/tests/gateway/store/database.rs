//! What a database does beyond the contract.

use alo_gateway::store::{
    Change, Draft, FileRecords, Log, MemoryWitness, Opening, PageLimit, Query, Quota, Rows,
    SqliteStore, Store,
};
use alo_protocol::{Cursor, ErrorCode, History};
use rusqlite::Connection;

use super::{ALL, Kit, draft, file, log_id, message, pushed, reply};

#[test]
fn it_keeps_all_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let (first, epoch) = {
        let mut kit = Kit::sqlite(&path);
        (kit.commit(draft(1, "a")), kit.head("a").epoch)
    };
    let mut kit = Kit::sqlite(&path);
    assert_eq!(kit.head("a"), Cursor { epoch, seq: 1 });
    let again = kit.commit(draft(1, "a"));
    assert_eq!(first.message, again.message);
    assert!(again.event().is_none());
    let event = &kit.events("a", 0, ALL)[0];
    assert_eq!(event.push, first.event().unwrap().push);
}

#[test]
fn a_file_that_is_no_database_or_of_a_newer_gateway_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let letter = "this is a letter to grandmother, and not a database at all";
    std::fs::write(&path, letter).unwrap();
    assert!(SqliteStore::open(&path, &Opening::new(false)).is_err());
    let newer = folder.path().join("newer.db");
    drop(Kit::sqlite(&newer));
    let connection = Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let Err(error) = SqliteStore::open(&newer, &Opening::new(false)) else {
        panic!("a newer schema was taken")
    };
    assert!(error.to_string().contains("version 99"), "{error}");
}

/// An event, a page, a repeated send and a reply all show the message as it is, not as it was.
#[test]
fn whatever_shows_a_message_shows_the_present_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let mut kit = Kit::sqlite(&path);
    kit.commit(draft(1, "a"));
    kit.commit(reply(2, "a", 1));
    let by_hand = Connection::open(&path).unwrap();
    let changed = by_hand
        .execute("UPDATE messages SET content = 'changed' WHERE seq = 1", [])
        .unwrap();
    assert_eq!(changed, 1);
    let [first, second] = &kit.events("a", 0, ALL)[..] else {
        panic!("two events")
    };
    let shown = |event| pushed(event)["event"]["data"]["message"].clone();
    assert_eq!(shown(first)["content"], "changed");
    assert_eq!(shown(second)["parent"]["content"], "changed");
    assert_eq!(message(&kit.commit(draft(1, "a")))["content"], "changed");
    let repeated = message(&kit.commit(reply(2, "a", 1)));
    assert_eq!(repeated["parent"]["content"], "changed");
    let new = message(&kit.commit(reply(3, "a", 1)));
    assert_eq!(new["parent"]["content"], "changed");
    let page = history(&kit).unwrap();
    assert_eq!(page.len(), 3);
    assert!(page.iter().all(|json| json.contains("changed")), "{page:?}");
    // The old text is nowhere in the file.
    by_hand
        .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"message 1"));
}

/// Readers continue from the head instead of requesting what will never be there.
#[test]
fn a_hole_in_the_log_and_a_row_that_cannot_be_read_are_gaps() {
    for (damage, until) in [
        ("DELETE FROM events WHERE seq = 4", 3),
        ("UPDATE events SET kind = 99 WHERE seq = 4", 3),
        ("UPDATE events SET message = 99 WHERE seq = 4", 3),
        ("UPDATE messages SET metadata = '{' WHERE seq = 4", 3),
        ("UPDATE messages SET id = x'00' WHERE seq = 4", 3),
        ("UPDATE messages SET root = x'00' WHERE seq = 4", 3),
        ("DELETE FROM events WHERE seq > 3", 3),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let mut kit = Kit::sqlite(&path);
        kit.answers((1..=6).map(|number| draft(number, "a")).collect());
        let changed = Connection::open(&path).unwrap().execute(damage, []);
        assert!(changed.unwrap() > 0);
        assert_eq!(kit.seqs("a", 0, ALL), Vec::from_iter(1..=until), "{damage}");
        let Rows::Gap(head) = kit.tail("a", until, ALL) else {
            panic!("{damage}: no gap")
        };
        assert_eq!(head, kit.head("a"), "{damage}");
        assert_eq!(head.seq, 6);
        kit.commit(draft(7, "a"));
        assert_eq!(kit.seqs("a", 6, ALL), [7], "{damage}");
    }
}

/// A page of the file itself, as a disk may lose it.
#[test]
fn a_page_of_the_file_that_cannot_be_read_is_a_gap() {
    const PAGE: usize = 4_096;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let mut kit = Kit::sqlite(&path);
    let long = |number| Draft {
        content: format!("<{number}>{}", "x".repeat(500)),
        ..draft(number, "a")
    };
    kit.answers((1..=400).map(long).collect());
    drop(kit);
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.windows(5).position(|at| at == b"<200>").unwrap();
    let start = place / PAGE * PAGE;
    bytes[start..start + PAGE].fill(0xff);
    std::fs::write(&path, bytes).unwrap();

    let kit = Kit::sqlite(&path);
    let mut last = 0;
    let head = loop {
        match kit.tail("a", last, PageLimit { events: 7, ..ALL }) {
            Rows::Events(events) => {
                assert_eq!(events[0].seq, last + 1);
                last = events.last().unwrap().seq;
            }
            Rows::Gap(head) => break head,
            Rows::Page(_) | Rows::Counts(_) | Rows::Reads(_) => {
                panic!("only events were asked for")
            }
        }
    };
    assert!((100..200).contains(&last), "{last}");
    assert_eq!(head, kit.head("a"));
    assert_eq!(head.seq, 400);
    assert_eq!(kit.seqs("a", 390, ALL), Vec::from_iter(391..=400));
    // A page of history that would have to read there says so, and is not shorter in silence.
    assert_eq!(history(&kit).unwrap().len(), 10);
    assert_eq!(history_of(&kit, 400).unwrap_err(), ErrorCode::Internal);
}

/// One message that is broken does not keep those before it from being read.
#[test]
fn history_leaves_out_what_is_missing_or_cannot_be_read() {
    for damage in [
        "DELETE FROM messages WHERE seq = 4",
        "UPDATE messages SET metadata = '{' WHERE seq = 4",
        "UPDATE messages SET id = x'00' WHERE seq = 4",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let mut kit = Kit::sqlite(&path);
        kit.answers((1..=6).map(|number| draft(number, "a")).collect());
        let changed = Connection::open(&path).unwrap().execute(damage, []);
        assert_eq!(changed.unwrap(), 1);
        let page = history(&kit).unwrap();
        let expected = [6, 5, 3, 2, 1].map(|number| format!("message {number}"));
        assert_eq!(page.len(), expected.len(), "{damage}");
        for (json, content) in page.iter().zip(expected) {
            assert!(json.contains(&content), "{damage}: {json}");
        }
    }
}

/// SQLite may roll back the entire transaction when the disk is full: then all of a batch fails, whichever
/// statement it was. What was stored before is answered with that all the same.
#[test]
fn a_full_disk_fails_a_batch_as_a_whole() {
    let mut store = SqliteStore::in_memory(&Opening::new(false), MemoryWitness::default()).unwrap();
    let (log, files) = (store.log(1).unwrap(), store.files().unwrap());
    let mut expected = 0;
    let mut failures = 0;
    for round in 0..400 {
        let file = files.create(file(round, 0), &Quota::NONE, 0).unwrap().id;
        let full = round % 2 == 1;
        if full {
            set_room(&store, 1);
        }
        let with_file = Draft {
            file_ids: vec![file],
            ..draft(10 * round + 1, "a")
        };
        let mut drafts = vec![
            draft(10 * round, "a"),
            with_file,
            draft(10 * round + 2, "a"),
            draft(10 * round + 3, "a"),
        ];
        if round > 0 {
            drafts.push(draft(0, "a"));
        }
        let mut answers = store.commit(drafts.into_iter().map(Change::Send).collect());
        set_room(&store, 1 << 20);
        if round > 0 {
            assert!(answers.pop().unwrap().is_ok(), "it was stored before");
        }
        if answers.iter().all(Result::is_ok) {
            expected += 4;
        } else {
            let is_full = |code: &Result<_, alo_protocol::ErrorBody>| matches!(code, Err(error) if error.code == ErrorCode::StorageFull);
            assert!(answers.iter().all(is_full), "round {round}: {answers:?}");
            assert_eq!(files.find(file).unwrap().unwrap().message, None);
            failures += 1;
        }
        let head = log.heads(&[log_id("a")]).unwrap().pop().unwrap();
        assert_eq!(head.seq, expected, "round {round}");
    }
    assert!(failures > 20, "only {failures} batches found no room");
}

/// A reader of an old state lets the write-ahead log grow; when it is gone, the log is small again.
#[test]
fn the_write_ahead_log_is_small_again_after_a_long_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let size = || {
        std::fs::metadata(folder.path().join("chat.db-wal"))
            .unwrap()
            .len()
    };
    let mut kit = Kit::sqlite(&path);
    let mut number = 0;
    let mut write = |kit: &mut Kit| {
        let long = |number| Draft {
            content: "x".repeat(60_000),
            ..draft(number, "a")
        };
        let drafts = (number..number + 100).map(long).collect();
        number += 100;
        assert!(kit.answers(drafts).iter().all(Result::is_ok));
    };
    write(&mut kit);
    let reader = Connection::open(&path).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM messages;")
        .unwrap();
    for _ in 0..10 {
        write(&mut kit);
    }
    assert!(size() > 48 << 20, "{}", size());
    reader.execute_batch("COMMIT").unwrap();
    kit.commit(draft(1_000_000, "a"));
    kit.commit(draft(1_000_001, "a"));
    assert!(size() <= 8 << 20, "{}", size());
}

fn set_room(store: &SqliteStore, pages: u32) {
    // SQLite takes no fewer than it uses.
    store
        .lock()
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
}

fn history(kit: &Kit) -> Result<Vec<String>, ErrorCode> {
    history_of(kit, 10)
}

fn history_of(kit: &Kit, limit: u32) -> Result<Vec<String>, ErrorCode> {
    let history = History {
        channel_id: "a".parse().unwrap(),
        limit,
        older_page_token: None,
        newer_page_token: None,
    };
    match kit.log.read(&Query::History(history), ALL) {
        Ok(Rows::Page(page)) => Ok(page
            .messages
            .iter()
            .map(|json| json.get().to_owned())
            .collect()),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.code),
    }
}
