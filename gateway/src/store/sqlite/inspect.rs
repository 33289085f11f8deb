//! A database seen from outside, while a gateway writes it or not: copied and checked.

use std::path::Path;

use alo_protocol::Uuid;
use rusqlite::{Connection, OpenFlags, params};

use super::{BUSY_TIMEOUT, OpenError, WITNESS_EXTENSION, schema};
use crate::store::{
    FilePart,
    life::{self, FileWitness, Record, Witness},
};

/// Problems reported at most.
const PROBLEMS: usize = 100;

/// A database that this process does not write.
pub struct Inspected(Connection);

impl Inspected {
    /// Opens one that is there.
    ///
    /// # Errors
    /// When it is missing, is no database, or was written by a newer gateway.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        schema::check_known(&connection)?;
        Ok(Self(connection))
    }

    /// Writes all of it, as it is at one moment, to a new file. Others write on meanwhile.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn copy_to(&self, path: &Path) -> Result<(), OpenError> {
        let path = path.to_string_lossy();
        self.0.execute("VACUUM INTO ?1", [path])?;
        Ok(())
    }

    /// The files that have not ended.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn files(&self) -> Result<Vec<Uuid>, OpenError> {
        let mut select = self
            .0
            .prepare("SELECT id FROM files WHERE ended = 0 ORDER BY id")?;
        let ids = select.query_map([], |row| Ok(Uuid::from_bytes(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The parts of a file that count; none if it has ended.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn parts(&self, file: Uuid) -> Result<Vec<FilePart>, OpenError> {
        let mut select = self.0.prepare_cached(
            "SELECT p.offset, p.size FROM file_parts p JOIN files f ON f.id = p.file
             WHERE p.file = ?1 AND f.ended = 0 ORDER BY p.offset",
        )?;
        let parts = select.query_map([file.as_bytes()], |row| {
            Ok(FilePart {
                offset: row.get(0)?,
                size: row.get(1)?,
            })
        })?;
        Ok(parts.collect::<rusqlite::Result<_>>()?)
    }

    /// What is wrong within the database.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn problems(&self) -> Result<Vec<String>, OpenError> {
        let mut problems = Vec::new();
        let mut check = self
            .0
            .prepare(&format!("PRAGMA integrity_check({PROBLEMS})"))?;
        let found = check.query_map([], |row| row.get::<_, String>(0))?;
        for problem in found {
            let problem = problem?;
            if problem != "ok" {
                problems.push(format!("integrity: {problem}"));
            }
        }
        let foreign = self
            .0
            .prepare("PRAGMA foreign_key_check")?
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        problems.extend(
            foreign
                .into_iter()
                .map(|table| format!("a row of {table} points to nothing")),
        );
        for (what, sql) in [
            (
                "a message has other files than it counts",
                "SELECT count(*) FROM messages m
                 WHERE m.files <> 0 AND m.files <> (SELECT count(*) FROM files f WHERE f.message = m.id)",
            ),
            (
                "a log has events beyond its head",
                "SELECT count(*) FROM logs l
                 WHERE (SELECT max(seq) FROM events e WHERE e.log = l.number) > l.head",
            ),
            (
                "a log has not all of its events",
                "SELECT count(*) FROM logs l
                 WHERE (SELECT count(*) FROM events e WHERE e.log = l.number AND e.seq > l.cut) <> l.head - l.cut",
            ),
            (
                "a file has other bytes than it counts",
                "SELECT count(*) FROM files f WHERE f.ended = 0
                 AND f.offset <> (SELECT ifnull(sum(size), 0) FROM file_parts p WHERE p.file = f.id)",
            ),
        ] {
            let found: u64 = self.0.query_row(sql, [], |row| row.get(0))?;
            if found > 0 {
                problems.push(format!("{found} times: {what}"));
            }
        }
        Ok(problems)
    }

    /// Why the next start over this database would begin a new life, if it would.
    ///
    /// # Errors
    /// When database or witness cannot be read.
    pub fn loss(&self, path: &Path) -> Result<Option<String>, OpenError> {
        // First the witness: it is behind the database, never before it.
        let witness = FileWitness::new(path.with_extension(WITNESS_EXTENSION)).read()?;
        let record = self
            .0
            .query_row("SELECT boot, commits FROM store", params![], |row| {
                Ok(Record {
                    boot: row.get(0)?,
                    commits: row.get(1)?,
                })
            })?;
        Ok(life::loss(false, &record, witness.as_ref()).map(|loss| loss.to_string()))
    }
}
