//! The store in one SQLite file: WAL with `synchronous=FULL`, so a commit that returned survives a power
//! failure. <https://www.sqlite.org/pragma.html#pragma_synchronous>

mod access;
mod erase;
mod files;
mod inspect;
mod read;
mod schema;
mod slack;
mod wal;
mod write;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alo_protocol::{ErrorBody, ErrorCode};
use rusqlite::{
    Connection, OpenFlags, TransactionBehavior, backup::Backup, config::DbConfig, params,
};

use super::{
    Change, Committed, MemoryWitness, NewNames, Store,
    life::{self, FileWitness, Record, Testimony, Witness, is_full},
    rules,
};
use crate::error::internal;
use wal::Wal;
use write::Batch;

pub use access::SqliteAccess;
pub use erase::SqliteErasure;
pub use files::SqliteFiles;
pub use inspect::Inspected;
pub use read::SqliteLog;

/// Prepared statements kept.
const STATEMENTS: usize = 64;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The name of the witness, beside `chat.db`.
const WITNESS_EXTENSION: &str = "witness";
/// What the witness of a database that has lost commits knows it by, until its new life is durable.
const LOST: &str = "lost";

/// A connection that is used by one at a time.
type Shared = Arc<Mutex<Connection>>;

/// See the module. One store writes; [`SqliteStore::log`] and [`SqliteStore::files`] read beside it.
pub struct SqliteStore {
    connection: Shared,
    /// Where more connections are opened; none in memory or on a full disk, where all share the only one.
    path: Option<PathBuf>,
    names: Arc<Names>,
    witness: Box<dyn Witness>,
    boot: Boot,
    wal: Wal,
}

/// Whether this process may write: database and witness must know of it first.
enum Boot {
    /// What the witness knows.
    Done(Testimony),
    /// There was no room to write that. It is tried again before the first commit.
    Due(Beginning),
}

/// The boot of a process.
struct Beginning {
    /// What the witness knows first.
    announced: Testimony,
    life: Option<String>,
    boot: String,
    /// Commits in the database.
    commits: u64,
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// It was restored from a copy: a new life begins.
    pub restored: bool,
    /// Random names it may need.
    pub names: NewNames,
}

impl Opening {
    /// As at any start.
    pub fn new(restored: bool) -> Self {
        Self {
            restored,
            names: NewNames::random(),
        }
    }
}

/// A database in memory as it was at one moment.
pub struct DatabaseCopy(Connection);

/// What the epochs of all logs have in common.
struct Names {
    birth: String,
    life: Option<String>,
}

impl Names {
    /// The epoch by which clients know a log with this one of its own.
    fn epoch(&self, own: Option<&str>) -> String {
        life::public_epoch(own.unwrap_or(&self.birth), self.life.as_deref())
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite's reason.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A newer gateway wrote it.
    #[error("the database has schema version {found}, this gateway knows {known}")]
    TooNew {
        /// In the database.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// Of the file beside it.
    #[error("the witness beside the database: {0}")]
    Witness(#[from] io::Error),
}

impl SqliteStore {
    /// Opens the database, migrates it to the present schema and notices whether acknowledged commits are
    /// missing: then a new life begins. On a full disk it can be read, and written as soon as there is room.
    ///
    /// # Errors
    /// When it is not a database, cannot be written or was written by a newer gateway.
    pub fn open(path: &Path, opening: &Opening) -> Result<Self, OpenError> {
        let (mut connection, shared) = match connect(path) {
            Ok(connection) => (connection, Some(path.to_owned())),
            Err(error) if has_no_room(&error) => (connect_alone(path).map_err(|_| error)?, None),
            Err(error) => return Err(error.into()),
        };
        schema::migrate(&mut connection, &opening.names.birth)?;
        let witness = FileWitness::new(path.with_extension(WITNESS_EXTENSION));
        Self::over(connection, shared, opening, Box::new(witness))
    }

    /// In memory, for simulations: the same code over a disk that never fails by itself.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn in_memory(opening: &Opening, witness: MemoryWitness) -> Result<Self, OpenError> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        schema::migrate(&mut connection, &opening.names.birth)?;
        Self::over(connection, None, opening, Box::new(witness))
    }

    /// As it is now, for [`SqliteStore::of_copy`].
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn copy(&self) -> Result<DatabaseCopy, OpenError> {
        Ok(DatabaseCopy(copied(&self.lock())?))
    }

    /// A database in memory that begins as a copy; its witness may know more than it.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn of_copy(
        copy: &DatabaseCopy,
        opening: &Opening,
        witness: MemoryWitness,
    ) -> Result<Self, OpenError> {
        Self::over(copied(&copy.0)?, None, opening, Box::new(witness))
    }

    /// A reader of the log with this many connections of its own. In memory it shares the only one.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn log(&self, connections: usize) -> Result<SqliteLog, OpenError> {
        let readers = (0..connections.max(1)).map(|_| self.another());
        Ok(SqliteLog::new(
            readers.collect::<Result<_, _>>()?,
            self.names.clone(),
        ))
    }

    /// The records of files, with connections of their own, so that uploads and messages queue for SQLite's
    /// lock and not for each other's code. In memory they share the only one.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn files(&self) -> Result<SqliteFiles, OpenError> {
        Ok(SqliteFiles::new(self.another()?, self.another()?))
    }

    /// What erases beside the store, with connections of its own. In memory they share the only one.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn erasure(&self) -> Result<SqliteErasure, OpenError> {
        Ok(SqliteErasure::new(self.another()?, self.another()?))
    }

    /// The restrictions of users, with a connection of their own. In memory they share the only one.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn access(&self) -> Result<SqliteAccess, OpenError> {
        Ok(SqliteAccess::new(self.another()?))
    }

    /// The connection, for tests that make a database fail.
    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    fn another(&self) -> Result<Shared, OpenError> {
        match &self.path {
            Some(path) => Ok(Arc::new(Mutex::new(connect(path)?))),
            None => Ok(self.connection.clone()),
        }
    }

    /// Begins a new boot, and a new life if commits are missing.
    fn over(
        connection: Connection,
        path: Option<PathBuf>,
        opening: &Opening,
        mut witness: Box<dyn Witness>,
    ) -> Result<Self, OpenError> {
        let Opening { restored, names } = opening;
        let (birth, mut life, record) =
            connection.query_row("SELECT birth, life, boot, commits FROM store", [], |row| {
                let record = Record {
                    boot: row.get(2)?,
                    commits: row.get(3)?,
                };
                Ok((row.get(0)?, row.get(1)?, record))
            })?;
        let before = witness.read()?;
        let next = Some(names.boot.clone());
        let announced = match life::loss(*restored, &record, before.as_ref()) {
            Some(loss) => {
                tracing::error!(%loss, "the database is not the one written last: every channel gets a new epoch, and clients get `channel.gap`");
                life = Some(names.life.clone());
                Testimony {
                    boot: Some(LOST.to_owned()),
                    next,
                    commits: 0,
                }
            }
            None => {
                let before = before.unwrap_or(Testimony {
                    boot: None,
                    next: None,
                    commits: 0,
                });
                Testimony { next, ..before }
            }
        };
        let beginning = Beginning {
            announced,
            life: life.clone(),
            boot: names.boot.clone(),
            commits: record.commits,
        };
        let boot = match begin(&connection, &mut *witness, &beginning) {
            Ok(testimony) => Boot::Done(testimony),
            Err(error) if error.has_no_room() => {
                tracing::error!(%error, "the disk is full: what is stored can be read, nothing can be written until there is room");
                Boot::Due(beginning)
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path,
            names: Arc::new(Names { birth, life }),
            witness,
            boot,
            wal: Wal::default(),
        })
    }
}

/// Makes database and witness know of this process. One that ends between any two steps leaves what the next one
/// understands.
fn begin(
    connection: &Connection,
    witness: &mut dyn Witness,
    beginning: &Beginning,
) -> Result<Testimony, OpenError> {
    let Beginning {
        announced,
        life,
        boot,
        commits,
    } = beginning;
    witness.write(announced, true)?;
    connection.execute("UPDATE store SET life = ?1, boot = ?2", params![life, boot])?;
    let testimony = Testimony {
        boot: Some(boot.clone()),
        next: None,
        commits: *commits,
    };
    witness.write(&testimony, true)?;
    Ok(testimony)
}

impl Store for SqliteStore {
    fn commit(&mut self, changes: Vec<Change>) -> Vec<Result<Committed, ErrorBody>> {
        let mut connection = lock(&self.connection);
        if let Boot::Due(beginning) = &self.boot {
            match begin(&connection, &mut *self.witness, beginning) {
                Ok(testimony) => self.boot = Boot::Done(testimony),
                Err(error) => {
                    let mut rows = Batch::new(&connection, &self.names);
                    return rules::refuse(&mut rows, &changes, &error.into());
                }
            }
        }
        let attempt = |connection: &mut Connection| {
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(sqlite_error)?;
            let mut batch = Batch::new(&transaction, &self.names);
            let answers = rules::commit(&mut batch, &changes)?;
            let commits = batch.commits();
            transaction.commit().map_err(sqlite_error)?;
            Ok((answers, commits))
        };
        match attempt(&mut connection) {
            Ok((answers, commits)) => {
                if let (Some(commits), Boot::Done(testimony)) = (commits, &mut self.boot) {
                    testimony.commits = commits;
                    // A witness that is behind does no damage.
                    if let Err(error) = self.witness.write(testimony, false) {
                        tracing::warn!(%error, "the witness cannot be written");
                    }
                }
                if let Some(path) = &self.path {
                    self.wal.bound(&connection, path);
                }
                answers
            }
            Err(error) => {
                rules::refuse(&mut Batch::new(&connection, &self.names), &changes, &error)
            }
        }
    }
}

/// A connection with the settings every part of the gateway uses.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    wal::limit(&connection)?;
    prepare(&connection)?;
    Ok(connection)
}

/// The only connection to a database on a full disk. SQLite keeps in its own memory then what connections share
/// in a file, for which there is no room.
fn connect_alone(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Locks it.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    wal::limit(&connection)?;
    prepare(&connection)?;
    tracing::error!(
        "the disk is full: the database is used by one connection at a time, until the next start"
    );
    Ok(connection)
}

/// Prepares each statement once. Without the stability guarantee SQLite plans some again whenever a value is
/// bound, which took a third of the writer's time.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn copied(from: &Connection) -> Result<Connection, OpenError> {
    let mut copy = Connection::open_in_memory()?;
    Backup::new(from, &mut copy)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
    prepare(&copy)?;
    Ok(copy)
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenError {
    /// Whether the disk is full, and nothing else is wrong.
    fn has_no_room(&self) -> bool {
        match self {
            Self::Sqlite(error) => has_no_room(error),
            Self::Witness(error) => is_full(error),
            Self::TooNew { .. } => false,
        }
    }
}

impl From<OpenError> for ErrorBody {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Sqlite(error) => sqlite_error(error),
            OpenError::Witness(error) if is_full(&error) => storage_full(&error),
            OpenError::Witness(_) | OpenError::TooNew { .. } => internal(error),
        }
    }
}

/// Whether there may be no room for the files beside a database, which SQLite reports in several ways.
fn has_no_room(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    matches!(
        error.sqlite_error_code(),
        Some(DiskFull | SystemIoFailure | CannotOpen | ReadOnly)
    )
}

fn storage_full(error: &dyn std::error::Error) -> ErrorBody {
    tracing::error!(%error, "the disk is full");
    ErrorBody::new(ErrorCode::StorageFull, "the gateway's disk is full")
}

/// The error returned to users for one of SQLite.
fn sqlite_error(error: rusqlite::Error) -> ErrorBody {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => storage_full(&error),
        Some(_) | None => internal(error),
    }
}
