//! Which database the gateway opens when it starts: its own, another one, or an older copy of it. The witness
//! lies beside it and stays when the database is exchanged.

use alo_gateway::{
    methods::send::change,
    store::{
        DatabaseCopy, MemoryWitness, NewNames, Opening, SqliteFiles, SqliteLog, SqliteStore, Store,
    },
};
use alo_protocol::{Limits, SendMessage};

use crate::{
    oracle::{Database, Tag},
    world::World,
};

const WHY: &str = "SQLite opens a database in memory";

/// The store with its two readers.
type Opened = (SqliteStore, SqliteLog, SqliteFiles);

/// A copy of the database that an operator has taken.
pub(super) struct Copy {
    database: DatabaseCopy,
    birth: String,
    /// How many processes had opened a database until then.
    openings: u32,
    model: Database,
}

/// A database that calls its logs by this.
pub(super) fn new_database(birth: &str, witness: MemoryWitness) -> Opened {
    let opening = opening(birth.to_owned(), birth.to_owned());
    with_readers(SqliteStore::in_memory(&opening, witness).expect(WHY))
}

fn with_readers(store: SqliteStore) -> Opened {
    let (log, files) = (store.log(1).expect(WHY), store.files().expect(WHY));
    (store, log, files)
}

/// `name` is of a database that is made, or of a life that begins.
fn opening(name: String, boot: String) -> Opening {
    let names = NewNames {
        birth: name.clone(),
        boot,
        life: name,
    };
    Opening {
        restored: false,
        names,
    }
}

impl World {
    /// The operator takes a copy of the database, while the gateway runs.
    pub fn copy_database(&mut self) {
        self.counts.add("copies of the database taken");
        self.note(|| "the database is copied".to_owned());
        self.gateway.copy = Some(Copy {
            database: self.gateway.store.copy().expect(WHY),
            birth: self.gateway.birth.clone(),
            openings: self.gateway.openings,
            model: self.oracle.model.copy(),
        });
    }

    /// The gateway starts.
    pub(super) fn open_database(&mut self) {
        if self.happens(self.profile.replaced) {
            let most = [1, 100, 3_000][self.rng.usize(..3)];
            let strangers = self.rng.u32(..most);
            self.replace_database(strangers);
        } else if self.happens(self.profile.restored) && self.gateway.copy.is_some() {
            self.restore_database();
        } else {
            self.open_again();
        }
        // Readers come back now, and some are behind.
        if self.is_bad && self.profile.hole_every > 0 && self.rng.bool() {
            self.lose_some_message();
        }
    }

    /// The gateway starts over the database it had.
    fn open_again(&mut self) {
        if self.happens(self.profile.power_failures) {
            self.counts.add("fault: witness behind the database");
            self.gateway.witness.lose_power();
        }
        let same = self.gateway.store.copy().expect(WHY);
        // A new life would be one that the model does not know.
        let (boot, life) = (self.name(), self.name());
        let opening = opening(life, boot);
        let store = SqliteStore::of_copy(&same, &opening, self.gateway.witness.clone());
        self.begin_over(with_readers(store.expect(WHY)));
        self.load_restrictions(true);
    }

    /// The gateway starts over the copy taken last, with the witness there is now: what came after the copy
    /// is gone.
    pub fn restore_database(&mut self) {
        let Some(copy) = self.gateway.copy.take() else {
            return;
        };
        let is_present = copy.openings == self.gateway.openings
            && copy.model.is_as_long_as(&self.oracle.model.copy());
        if is_present {
            // Nothing is missing in it.
            self.gateway.copy = Some(copy);
            return self.open_again();
        }
        self.counts
            .add("fault: older copy of the database restored");
        self.note(|| "the gateway starts over an older copy of the database".to_owned());
        let (boot, life) = (self.name(), self.name());
        self.oracle.restored(copy.model.clone());
        self.oracle.epoch(&format!("{}.{life}", copy.birth));
        self.gateway.birth.clone_from(&copy.birth);
        let opening = opening(life, boot);
        let store = SqliteStore::of_copy(&copy.database, &opening, self.gateway.witness.clone());
        self.gateway.copy = Some(copy);
        self.begin_over(with_readers(store.expect(WHY)));
        self.load_restrictions(false);
    }

    /// Makes a database the gateway's.
    fn begin_over(&mut self, (store, log, files): Opened) {
        self.gateway.openings += 1;
        self.gateway.stored = None;
        (self.gateway.store, self.gateway.log, self.gateway.files) = (store, log, files);
    }

    fn name(&mut self) -> String {
        format!("{:016x}", self.rng.u64(..))
    }

    /// The gateway starts over another database, in which strangers have sent so many messages to each
    /// channel: none after a lost disk, many where a restored or another one stands in.
    pub fn replace_database(&mut self, strangers: u32) {
        self.counts.add("fault: database replaced");
        self.note(|| {
            format!("the database is replaced by one with {strangers} messages a channel")
        });
        let birth = self.name();
        let witness = MemoryWitness::default();
        let database = new_database(&birth, witness.clone());
        self.oracle.replaced();
        self.oracle.epoch(&birth);
        (self.gateway.witness, self.gateway.birth) = (witness, birth);
        self.begin_over(database);
        self.load_restrictions(false);
        let now_ms = self.unix_ms();
        let mut changes = Vec::new();
        for (channel_id, nth) in self.channels().into_iter().zip(0..) {
            for number in nth * strangers..(nth + 1) * strangers {
                let (key, message) = (self.uuid(), self.uuid());
                let message_of_stranger = SendMessage {
                    key,
                    channel_id: channel_id.clone(),
                    content: Tag::of_stranger(number).to_string(),
                    metadata: None,
                    parent_id: None,
                    file_ids: Vec::new(),
                };
                let change = change(
                    &Limits::DEFAULT,
                    "stranger".into(),
                    message_of_stranger,
                    message,
                    now_ms,
                );
                // It is within the limits.
                changes.extend(change);
            }
        }
        let results = self.gateway.store.commit(changes);
        self.account_for(&results);
    }
}
