//! What every store must do. One suite, each implementation.

use alo_gateway::files::{
    Metadata,
    records::{self, Creation},
};
use alo_gateway::store::{Committed, Draft, MemoryStore, PageLimit, SqliteStore, Store};
use alo_protocol::{Cursor, ErrorCode, Uuid};
use serde_json::{Value, json};

const ALL: PageLimit = PageLimit {
    events: 1_000,
    bytes: 1 << 30,
};

macro_rules! contract {
    ($($case:ident)*) => {
        mod memory {
            $(#[test] fn $case() { super::$case(&mut super::MemoryStore::default()); })*
        }
        mod sqlite {
            $(#[test] fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$case(&mut super::SqliteStore::open(&folder.path().join("chat.db")).unwrap());
            })*
        }
    };
}

contract! {
    a_channels_log_has_one_epoch_and_no_gaps
    channels_have_logs_of_their_own
    a_key_is_one_message_for_ever
    a_key_of_another_user_or_channel_is_refused
    one_refused_draft_harms_no_other
    replies_carry_their_parent_and_the_root
    metadata_is_kept_to_the_letter
    time_never_goes_back_in_a_channel
    pages_keep_to_their_limits
    an_unknown_file_is_refused
}

fn draft(number: u64, channel: &str) -> Draft {
    Draft {
        id: id(number),
        key: id(1_000_000 + number),
        channel: channel.parse().unwrap(),
        new_epoch: format!("epoch{number}"),
        user_id: "ada".into(),
        content: format!("message {number}"),
        metadata: None,
        parent_id: None,
        file_ids: Vec::new(),
        now_ms: number,
    }
}

fn id(number: u64) -> Uuid {
    super::support::key(number).parse().unwrap()
}

fn commit(store: &mut dyn Store, draft: Draft) -> Committed {
    store.commit(vec![draft]).pop().unwrap().unwrap()
}

fn refused(store: &mut dyn Store, draft: Draft) -> ErrorCode {
    store.commit(vec![draft]).pop().unwrap().unwrap_err().code
}

fn message(committed: &Committed) -> Value {
    serde_json::from_str(&committed.message).unwrap()
}

fn head(store: &mut dyn Store, channel: &str) -> Cursor {
    store
        .heads(&[(channel.parse().unwrap(), "epoch of heads".into())])
        .unwrap()
        .pop()
        .unwrap()
}

fn seqs(store: &dyn Store, channel: &str, after: u64, limit: PageLimit) -> Vec<u64> {
    let events = store
        .events_after(&channel.parse().unwrap(), after, limit)
        .unwrap();
    events.iter().map(|event| event.seq).collect()
}

fn a_channels_log_has_one_epoch_and_no_gaps(store: &mut dyn Store) {
    let epoch = head(store, "a").epoch;
    assert_eq!(epoch, "epoch of heads");
    let drafts = (1..=5).map(|number| draft(number, "a")).collect();
    for (index, committed) in store.commit(drafts).into_iter().enumerate() {
        let event = committed.unwrap().event.unwrap();
        assert_eq!(event.seq, index as u64 + 1);
        let push: Value = serde_json::from_str(&event.push).unwrap();
        assert_eq!(
            (&push["channel"], &push["epoch"], &push["seq"]),
            (&json!("a"), &json!(epoch), &json!(event.seq))
        );
        assert_eq!(push["event"]["type"], "message.new");
        assert_eq!(
            push["event"]["data"]["message"]["content"],
            format!("message {}", index + 1)
        );
    }
    assert_eq!(head(store, "a"), Cursor { epoch, seq: 5 });
    assert_eq!(seqs(store, "a", 2, ALL), [3, 4, 5]);
    assert_eq!(seqs(store, "a", 5, ALL), [0; 0]);
}

fn channels_have_logs_of_their_own(store: &mut dyn Store) {
    commit(store, draft(1, "a"));
    commit(store, draft(2, "b"));
    commit(store, draft(3, "a"));
    assert_eq!(seqs(store, "a", 0, ALL), [1, 2]);
    assert_eq!(seqs(store, "b", 0, ALL), [1]);
    assert_eq!(seqs(store, "c", 0, ALL), [0; 0]);
    assert_ne!(head(store, "a").epoch, head(store, "b").epoch);
}

fn a_key_is_one_message_for_ever(store: &mut dyn Store) {
    let first = commit(store, draft(1, "a"));
    let again = Draft {
        id: id(2),
        content: "another text".into(),
        ..draft(1, "a")
    };
    let same_batch = vec![
        Draft {
            key: id(77),
            ..draft(3, "a")
        },
        Draft {
            key: id(77),
            ..draft(4, "a")
        },
    ];
    let second = commit(store, again);
    assert_eq!(first.message, second.message);
    assert!(second.event.is_none(), "nobody hears it twice");
    let mut answers = store.commit(same_batch).into_iter();
    let (one, other) = (
        answers.next().unwrap().unwrap(),
        answers.next().unwrap().unwrap(),
    );
    assert_eq!(one.message, other.message);
    assert_eq!(seqs(store, "a", 0, ALL), [1, 2]);
}

fn a_key_of_another_user_or_channel_is_refused(store: &mut dyn Store) {
    commit(store, draft(1, "a"));
    let other_user = Draft {
        user_id: "bob".into(),
        ..draft(1, "a")
    };
    let other_channel = draft(1, "b");
    assert_eq!(refused(store, other_user), ErrorCode::IdempotencyConflict);
    assert_eq!(
        refused(store, other_channel),
        ErrorCode::IdempotencyConflict
    );
    assert_eq!(head(store, "a").seq, 1);
    assert_eq!(head(store, "b").seq, 0);
}

fn one_refused_draft_harms_no_other(store: &mut dyn Store) {
    let lost = Draft {
        parent_id: Some(id(99)),
        ..draft(2, "a")
    };
    let answers = store.commit(vec![draft(1, "a"), lost, draft(3, "a")]);
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(
        answers[1].as_ref().unwrap_err().code,
        ErrorCode::MessageNotFound
    );
    assert_eq!(seqs(store, "a", 0, ALL), [1, 2]);
    // Its key is free: what is mended is sent.
    assert!(commit(store, draft(2, "a")).event.is_some());
}

fn replies_carry_their_parent_and_the_root(store: &mut dyn Store) {
    let root = message(&commit(store, draft(1, "a")));
    assert!(root.get("parent").is_none() && root.get("rootMessageId").is_none());
    let reply = message(&commit(
        store,
        Draft {
            parent_id: Some(id(1)),
            ..draft(2, "a")
        },
    ));
    assert_eq!(reply["parent"], root);
    assert_eq!(reply["rootMessageId"], root["id"]);
    let third = message(&commit(
        store,
        Draft {
            parent_id: Some(id(2)),
            ..draft(3, "a")
        },
    ));
    assert_eq!(third["parent"]["id"], reply["id"]);
    assert!(
        third["parent"].get("parent").is_none(),
        "one level is shown"
    );
    assert_eq!(third["rootMessageId"], root["id"]);
    let elsewhere = Draft {
        parent_id: Some(id(1)),
        ..draft(4, "b")
    };
    assert_eq!(refused(store, elsewhere), ErrorCode::MessageNotFound);
}

fn metadata_is_kept_to_the_letter(store: &mut dyn Store) {
    let text = r#"{"__proto__":{"x":1},"я":"\ud83d\ude80","n":1.0,"big":12345678901234567890,"a":[null,{}]}"#;
    let metadata = serde_json::from_str(text).unwrap();
    let committed = commit(
        store,
        Draft {
            metadata: Some(metadata),
            ..draft(1, "a")
        },
    );
    assert!(committed.message.contains(text));
    assert!(committed.event.unwrap().push.contains(text));
    assert_eq!(
        message(&commit(store, draft(2, "a")))["metadata"],
        json!({})
    );
}

fn time_never_goes_back_in_a_channel(store: &mut dyn Store) {
    let first = message(&commit(
        store,
        Draft {
            now_ms: 500,
            ..draft(1, "a")
        },
    ));
    let second = message(&commit(
        store,
        Draft {
            now_ms: 400,
            ..draft(2, "a")
        },
    ));
    assert_eq!(
        (&first["timestamp"], &second["timestamp"]),
        (&json!("500"), &json!("500"))
    );
    assert_eq!(
        message(&commit(
            store,
            Draft {
                now_ms: 400,
                ..draft(3, "b")
            }
        ))["timestamp"],
        "400"
    );
}

fn pages_keep_to_their_limits(store: &mut dyn Store) {
    store.commit((1..=10).map(|number| draft(number, "a")).collect());
    assert_eq!(
        seqs(store, "a", 3, PageLimit { events: 4, ..ALL }),
        [4, 5, 6, 7]
    );
    assert_eq!(
        seqs(store, "a", 3, PageLimit { bytes: 1, ..ALL }),
        [4],
        "one comes however large"
    );
    assert_eq!(seqs(store, "a", u64::MAX >> 1, ALL), [0; 0]);
}

fn an_unknown_file_is_refused(store: &mut dyn Store) {
    let with_file = Draft {
        file_ids: vec![id(5)],
        ..draft(1, "a")
    };
    assert_eq!(refused(store, with_file), ErrorCode::FileNotFound);
}

#[test]
fn sqlite_keeps_all_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let (first, epoch) = {
        let mut store = SqliteStore::open(&path).unwrap();
        (
            commit(&mut store, draft(1, "a")),
            head(&mut store, "a").epoch,
        )
    };
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(head(&mut store, "a"), Cursor { epoch, seq: 1 });
    let again = commit(&mut store, draft(1, "a"));
    assert_eq!(first.message, again.message);
    assert!(again.event.is_none());
    let events = store.events_after(&"a".parse().unwrap(), 0, ALL).unwrap();
    assert_eq!(events[0].push, first.event.unwrap().push);
}

#[test]
fn sqlite_refuses_a_file_that_is_no_database_or_of_a_newer_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    std::fs::write(
        &path,
        "this is a letter to grandmother, and not a database at all",
    )
    .unwrap();
    assert!(SqliteStore::open(&path).is_err());
    let newer = folder.path().join("newer.db");
    drop(SqliteStore::open(&newer).unwrap());
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let Err(error) = SqliteStore::open(&newer) else {
        panic!("a newer schema was taken")
    };
    assert!(error.to_string().contains("version 99"), "{error}");
}

/// SQLite may roll a whole transaction back when it finds no room: then all of a batch fails, whichever
/// statement it was.
#[test]
fn a_full_disk_fails_a_batch_as_a_whole() {
    let mut store = SqliteStore::in_memory().unwrap();
    let mut expected = 0;
    let mut failures = 0;
    for round in 0..400 {
        let file = whole_file(&mut store, round);
        let full = round % 2 == 1;
        if full {
            set_room(&mut store, 1);
        }
        let with_file = Draft {
            file_ids: vec![file],
            ..draft(10 * round + 1, "a")
        };
        let drafts = vec![
            draft(10 * round, "a"),
            with_file,
            draft(10 * round + 2, "a"),
            draft(10 * round + 3, "a"),
        ];
        let answers = store.commit(drafts);
        set_room(&mut store, 1 << 20);
        if answers.iter().all(Result::is_ok) {
            expected += 4;
        } else {
            assert!(
                answers.iter().all(Result::is_err),
                "round {round}: {answers:?}"
            );
            failures += 1;
        }
        assert_eq!(head(&mut store, "a").seq, expected, "round {round}");
    }
    assert!(failures > 20, "only {failures} batches found no room");
}

fn set_room(store: &mut SqliteStore, pages: u32) {
    // SQLite takes no fewer than it uses.
    store
        .connection()
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
}

fn whole_file(store: &mut SqliteStore, number: u64) -> Uuid {
    let creation = Creation {
        id: id(5_000_000 + number),
        key: None,
        user_id: "ada".into(),
        metadata: Metadata {
            channel: "a".parse().unwrap(),
            name: "x".into(),
            content_type: "text/plain".into(),
            last_modified: 0,
        },
        header: String::new(),
        size: 0,
        expires_ms: 0,
    };
    records::create(store.connection(), creation, 0).unwrap().id
}
