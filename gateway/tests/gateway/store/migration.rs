//! A database of each earlier version, as a gateway of that version wrote it.

use std::path::Path;

use alo_gateway::store::{Draft, FilePart, Quota};
use alo_protocol::{Cursor, ErrorCode, Uuid};
use rusqlite::Connection;
use serde_json::Value;

use super::{ALL, Kit, draft, file, hint, log_id, message, pushed};

/// As those of the fixture were made.
fn id(number: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    Uuid::v7(1_700_000_000_000, random)
}

/// A database of the first schema, and what it had answered: each event of each channel.
fn first(folder: &Path) -> (Kit, Vec<Value>) {
    let path = folder.join("chat.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(include_str!("../../fixtures/schema-1.sql"))
        .unwrap();
    drop(connection);
    let answered: Vec<Value> =
        serde_json::from_str(include_str!("../../fixtures/schema-1.json")).unwrap();
    let pushes = answered.iter().map(|answer| answer["push"].clone());
    (Kit::sqlite(&path), pushes.collect())
}

fn repeated(number: u64, channel: &str, user: &str) -> Draft {
    Draft {
        key: id(1_000 + number),
        user_id: user.into(),
        ..draft(number, channel)
    }
}

/// Messages then had no `seq` and no `version`.
fn without_seq(mut message: Value) -> Value {
    let fields = message.as_object_mut().unwrap();
    let seq = fields.remove("seq").unwrap();
    assert!(seq.is_u64());
    assert_eq!(fields.remove("version").unwrap(), seq);
    if let Some(parent) = fields.get_mut("parent") {
        *parent = without_seq(parent.take());
    }
    message
}

#[test]
fn messages_and_cursors_of_the_first_schema_survive() {
    let folder = tempfile::tempdir().unwrap();
    let (kit, pushes) = first(folder.path());
    for (channel, epoch, seq) in [
        ("general", "epochgeneral", 5),
        ("канал", "epochcyrillic", 2),
        ("empty content", "epochthird", 1),
        ("quiet", "epochquiet", 0),
    ] {
        let epoch = epoch.to_owned();
        assert_eq!(kit.head(channel), Cursor { epoch, seq });
        let old: Vec<_> = pushes
            .iter()
            .filter(|push| push["channel"] == channel)
            .cloned()
            .collect();
        assert_eq!(old.len() as u64, seq);
        for after in 0..=seq {
            let events = kit.events(channel, after, ALL);
            let old = &old[usize::try_from(after).unwrap()..];
            assert_eq!(events.len(), old.len());
            for (event, old) in events.iter().zip(old) {
                let mut push = pushed(event);
                let message = push["event"]["data"]["message"].take();
                assert_eq!(message["seq"], event.seq);
                push["event"]["data"]["message"] = without_seq(message);
                assert_eq!(push, *old);
            }
        }
    }
    let metadata = r#"{ "__proto__" : {"x":1},"я":"\ud83d\ude80","n":1.0,"big":12345678901234567890,"n":2, "a":[null,{}]}"#;
    assert!(kit.events("general", 0, ALL)[0].push.contains(metadata));
    assert_ne!(kit.head("new").epoch, "epochgeneral");
}

#[test]
fn keys_of_the_first_schema_survive() {
    let folder = tempfile::tempdir().unwrap();
    let (mut kit, pushes) = first(folder.path());
    let again = kit.commit(repeated(4, "general", "ada"));
    assert_eq!(hint(&again), (log_id("general"), 3));
    assert_eq!(
        without_seq(message(&again)),
        pushes[3]["event"]["data"]["message"]
    );
    let of_another = repeated(4, "general", "bob");
    assert_eq!(kit.refused(of_another), ErrorCode::IdempotencyConflict);
    let reply = Draft {
        id: id(9),
        key: id(1_009),
        parent_id: Some(id(2)),
        now_ms: 1_700_000_006_990,
        ..draft(9, "general")
    };
    let reply = kit.commit(reply);
    assert_eq!(reply.event().unwrap().seq, 6);
    let reply = message(&reply);
    assert_eq!(reply["rootMessageId"], id(1).to_string());
    assert_eq!(reply["timestamp"], "1700000007000", "time goes on");
}

#[test]
fn files_of_the_first_schema_survive() {
    let folder = tempfile::tempdir().unwrap();
    let (mut kit, _) = first(folder.path());
    let find = |kit: &Kit, number: u64| kit.files.find(id(2_000 + number)).unwrap().unwrap();
    let part = |offset, size| FilePart { offset, size };
    let whole = find(&kit, 1);
    assert_eq!(whole.name, "отчёт \"1\".txt");
    assert_eq!((whole.message, whole.key), (Some(id(4)), Some(id(3_001))));
    assert_eq!(whole.metadata, "filename eA==,channelId Z2VuZXJhbA==");
    assert_eq!(
        kit.files.parts(whole.id, 0, 10).unwrap(),
        [part(0, 4), part(4, 6)]
    );
    // Whole, and of no message until now.
    let with_file = Draft {
        file_ids: vec![find(&kit, 3).id],
        ..draft(9, "general")
    };
    assert_eq!(message(&kit.commit(with_file))["files"][0]["size"], 5);
    // An unfinished upload continues by its key.
    let mut wanted = file(4, 100);
    wanted.key = Some(id(3_004));
    let unfinished = kit.files.create(wanted, &Quota::NONE, 0).unwrap();
    assert_eq!((unfinished.id, unfinished.offset), (id(2_004), 30));
    let rest = [part(30, 70)];
    assert!(kit.files.append(unfinished.id, &rest, 5).unwrap());
    assert!(find(&kit, 5).ended);
    assert_eq!(kit.files.expire(0).unwrap(), [id(2_005)]);
}

#[test]
fn a_migrated_database_goes_on_with_its_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut kit, _) = first(folder.path());
    kit.commit(draft(9, "general"));
    drop(kit);
    let kit = Kit::sqlite(&folder.path().join("chat.db"));
    assert_eq!(kit.head("general").epoch, "epochgeneral");
    assert_eq!(kit.head("general").seq, 6);
}
