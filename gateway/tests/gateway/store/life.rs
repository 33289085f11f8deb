//! The life of a database: when clients learn that the log they knew is gone, and when not.

use std::{fs, path::Path};

use alo_gateway::store::{Change, Log, MemoryWitness, Opening, SqliteStore, Store};
use alo_protocol::Cursor;

use super::{Kit, draft, log_id};

fn open(folder: &Path) -> Kit {
    Kit::sqlite(&folder.join("chat.db"))
}

/// Opens the database; the epoch of its logs.
fn epoch(folder: &Path) -> String {
    open(folder).head("a").epoch
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        if let Err(error) = fs::copy(from.join(name), to.join(name)) {
            assert!(name.ends_with("-wal"), "{name}: {error}");
        }
    }
}

const DATABASE: [&str; 2] = ["chat.db", "chat.db-wal"];

#[test]
fn a_database_that_is_opened_again_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = epoch(folder.path());
    assert_eq!(epoch(folder.path()), first, "nothing was written");
    for number in 1..4 {
        open(folder.path()).commit(draft(number, "a"));
        assert_eq!(epoch(folder.path()), first);
    }
}

#[test]
fn an_older_copy_begins_a_new_life_even_if_it_is_written_past_the_loss() {
    let (folder, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut kit = open(folder.path());
    kit.commit(draft(1, "a"));
    let before = kit.head("a");
    copy(folder.path(), backup.path(), &DATABASE);
    kit.commit(draft(2, "a"));
    drop(kit);
    copy(backup.path(), folder.path(), &DATABASE);
    let _ = fs::remove_file(folder.path().join("chat.db-shm"));
    let mut kit = open(folder.path());
    let after = kit.head("a");
    assert_eq!((before.seq, after.seq), (1, 1));
    assert_ne!(before.epoch, after.epoch);
    assert!(after.epoch.len() <= 36, "{}", after.epoch);
    let event = kit.commit(draft(3, "a")).event().unwrap().push.to_string();
    assert!(event.contains(&after.epoch), "{event}");
    drop(kit);
    assert_eq!(epoch(folder.path()), after.epoch, "it begins once");
}

#[test]
fn a_copy_of_an_earlier_process_begins_a_new_life() {
    let (folder, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = epoch(folder.path());
    copy(folder.path(), backup.path(), &DATABASE);
    assert_eq!(epoch(folder.path()), first);
    copy(backup.path(), folder.path(), &DATABASE);
    assert_ne!(epoch(folder.path()), first, "though no commit is missing");
}

#[test]
fn a_database_without_its_witness_begins_a_new_life() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = epoch(folder.path());
    copy(folder.path(), elsewhere.path(), &DATABASE);
    let moved = epoch(elsewhere.path());
    assert_ne!(moved, first);
    assert!(moved.starts_with(&first), "{moved}");
    fs::write(elsewhere.path().join("chat.witness"), "rubbish").unwrap();
    assert_ne!(epoch(elsewhere.path()), moved);
}

/// A power failure may take from the witness what was not flushed, never from the database what was
/// acknowledged.
#[test]
fn a_witness_that_is_behind_is_no_loss() {
    let (folder, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut kit = open(folder.path());
    copy(folder.path(), backup.path(), &["chat.witness"]);
    kit.commit(draft(1, "a"));
    let before = kit.head("a");
    drop(kit);
    copy(backup.path(), folder.path(), &["chat.witness"]);
    assert_eq!(open(folder.path()).head("a"), before);
}

#[test]
fn what_is_said_to_be_restored_begins_a_new_life() {
    let folder = tempfile::tempdir().unwrap();
    let first = epoch(folder.path());
    let path = folder.path().join("chat.db");
    let restored = |restored| {
        let store = SqliteStore::open(&path, &Opening::new(restored)).unwrap();
        store.log(1).unwrap().heads(&[log_id("a")]).unwrap()[0]
            .epoch
            .clone()
    };
    let second = restored(true);
    assert_ne!(second, first);
    assert_eq!(restored(false), second);
    assert_ne!(restored(true), second);
}

/// A process may be killed at any point of the opening: whatever it has left, the next one knows the database
/// for the right one, and an older copy for a wrong one.
#[test]
fn an_opening_that_was_cut_short_is_no_loss() {
    let (folder, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = epoch(folder.path());
    let witness = ["chat.witness"];
    copy(folder.path(), backup.path(), &witness);
    copy(folder.path(), backup.path(), &DATABASE);
    let text = |folder: &Path| fs::read_to_string(folder.join("chat.witness")).unwrap();
    let boot = |text: &str| text.lines().nth(1).unwrap()["boot ".len()..].to_owned();
    let before = text(folder.path());
    assert_eq!(epoch(folder.path()), first);
    let after = text(folder.path());
    assert_ne!(boot(&before), boot(&after));
    // The database knows of the new process, the witness not yet that it does.
    let line = after.lines().next().unwrap();
    let announced = format!(
        "{line}\nboot {}\nnext {}\ncommits {:020}\n",
        boot(&before),
        boot(&after),
        0
    );
    fs::write(folder.path().join("chat.witness"), &announced).unwrap();
    assert_eq!(epoch(folder.path()), first);
    // The witness knows of a new process, the database not yet.
    copy(backup.path(), folder.path(), &DATABASE);
    fs::write(folder.path().join("chat.witness"), &announced).unwrap();
    assert_eq!(epoch(folder.path()), first);
}

/// What simulations do: the database goes back in time, its witness does not.
#[test]
fn a_copy_in_memory_is_found_out_by_its_witness() {
    let witness = MemoryWitness::default();
    let opening = || Opening::new(false);
    let mut store = SqliteStore::in_memory(&opening(), witness.clone()).unwrap();
    let head = |store: &SqliteStore| -> Cursor {
        store
            .log(1)
            .unwrap()
            .heads(&[log_id("a")])
            .unwrap()
            .remove(0)
    };
    store.commit(vec![Change::Send(draft(1, "a"))]);
    let (copy, before) = (store.copy().unwrap(), head(&store));
    let same = SqliteStore::of_copy(&copy, &opening(), witness.clone()).unwrap();
    assert_eq!(head(&same), before);
    let mut same =
        SqliteStore::of_copy(&same.copy().unwrap(), &opening(), witness.clone()).unwrap();
    assert_eq!(head(&same), before);
    let copy = same.copy().unwrap();
    same.commit(vec![Change::Send(draft(2, "a"))]);
    assert_eq!(head(&same).seq, 2);
    let older = SqliteStore::of_copy(&copy, &opening(), witness).unwrap();
    assert_eq!(head(&older).seq, 1);
    assert_ne!(head(&older).epoch, before.epoch);
}
