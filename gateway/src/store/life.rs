//! The life of a store: detects that acknowledged commits are missing, for example because an older copy of
//! the database was restored.
//!
//! Each log has an epoch of its own; clients know it together with the life of the store, so that a
//! cursor of another life is never taken for one of this. A *witness* beside the database knows which
//! process wrote it last and how many commits were acknowledged. Backups leave it out: it must not go back
//! in time together with the database.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::random;

/// Random names that a store may need when it is opened.
#[derive(Clone, Debug)]
pub struct NewNames {
    /// The base epoch of all logs, if the database is made now.
    pub birth: String,
    /// The process that writes from now on.
    pub boot: String,
    /// A new life, if one begins.
    pub life: String,
}

impl NewNames {
    /// From the operating system's randomness.
    pub fn random() -> Self {
        Self {
            birth: random::hex::<8>(),
            boot: random::hex::<8>(),
            life: random::hex::<8>(),
        }
    }
}

/// Whether two epochs are of one log, in whichever of its lives.
pub(crate) fn is_same_log(one: &str, other: &str) -> bool {
    let base = |epoch| str::split(epoch, '.').next();
    base(one) == base(other)
}

/// A log's epoch as clients know it: at most 36 characters, since names have 16.
pub(super) fn public_epoch(base: &str, life: Option<&str>) -> String {
    life.map_or_else(|| base.to_owned(), |life| format!("{base}.{life}"))
}

/// What a witness knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Testimony {
    /// The process that wrote the database last.
    pub(super) boot: Option<String>,
    /// The process that is about to be the next.
    pub(super) next: Option<String>,
    /// Commits that were acknowledged, of all processes together.
    pub(super) commits: u64,
}

/// What the database itself knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The process that wrote it last; none if it was never opened by one that keeps a witness.
    pub(super) boot: Option<String>,
    /// Commits in it.
    pub(super) commits: u64,
}

/// Why a new life begins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Loss {
    #[error("it was started with --restored")]
    Restored,
    #[error("its witness is missing")]
    NoWitness,
    #[error("the witness is of another copy of it")]
    OtherCopy,
    #[error("{0} acknowledged commits are missing")]
    Commits(u64),
}

/// Whether a database is the one that was acknowledged last.
pub(super) fn loss(restored: bool, record: &Record, witness: Option<&Testimony>) -> Option<Loss> {
    if restored {
        return Some(Loss::Restored);
    }
    let Some(witness) = witness else {
        return record.boot.is_some().then_some(Loss::NoWitness);
    };
    // A process that ended while it opened the database has left both names.
    let is_expected =
        record.boot == witness.boot || (witness.next.is_some() && record.boot == witness.next);
    if !is_expected {
        return Some(Loss::OtherCopy);
    }
    let missing = witness.commits.saturating_sub(record.commits);
    (missing > 0).then_some(Loss::Commits(missing))
}

/// Whether there is no room for a file, or none may be written: what is stored can still be read.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        StorageFull | QuotaExceeded | ReadOnlyFilesystem
    )
}

/// Keeps a [`Testimony`] apart from the database.
pub(super) trait Witness: Send {
    /// What was kept last; `None` if nothing was or it cannot be understood.
    fn read(&mut self) -> io::Result<Option<Testimony>>;

    /// Keeps it; with `durably`, beyond a power failure.
    fn write(&mut self, testimony: &Testimony, durably: bool) -> io::Result<()>;
}

/// A witness in memory, for simulations. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct MemoryWitness(Arc<Mutex<InMemory>>);

/// What such a witness keeps.
#[derive(Debug, Default)]
struct InMemory {
    last: Option<Testimony>,
    /// The last that was written durably.
    durable: Option<Testimony>,
}

impl MemoryWitness {
    /// The power fails: what was not written durably is gone.
    pub fn lose_power(&self) {
        let mut kept = self.lock();
        kept.last = kept.durable.clone();
    }

    fn lock(&self) -> MutexGuard<'_, InMemory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for MemoryWitness {
    fn read(&mut self) -> io::Result<Option<Testimony>> {
        Ok(self.lock().last.clone())
    }

    fn write(&mut self, testimony: &Testimony, durably: bool) -> io::Result<()> {
        let mut kept = self.lock();
        kept.last = Some(testimony.clone());
        if durably {
            kept.durable = kept.last.clone();
        }
        Ok(())
    }
}

/// A witness in a file. It is overwritten in place and always of the same length, far below the unit a disk
/// writes at once.
pub(super) struct FileWitness {
    path: PathBuf,
    /// Open since it was first written.
    file: Option<File>,
}

impl FileWitness {
    /// The file need not exist.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    // Its name must survive too.
    #[cfg(unix)]
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

impl Witness for FileWitness {
    fn read(&mut self) -> io::Result<Option<Testimony>> {
        match fs::read(&self.path) {
            Ok(text) => Ok(std::str::from_utf8(&text).ok().and_then(parse)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, testimony: &Testimony, durably: bool) -> io::Result<()> {
        let file = self.file()?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(format(testimony).as_bytes())?;
        if durably {
            file.sync_all()?;
        }
        Ok(())
    }
}

/// Represents an absent name.
const NONE: &str = "-";

fn format(
    Testimony {
        boot,
        next,
        commits,
    }: &Testimony,
) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| NONE.to_owned());
    format!(
        "alo-chat witness 1; leave it out of backups\nboot {:16}\nnext {:16}\ncommits {commits:020}\n",
        name(boot),
        name(next)
    )
}

fn parse(text: &str) -> Option<Testimony> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix("alo-chat witness 1;")?;
    let mut field = |name: &str| Some(lines.next()?.strip_prefix(name)?.trim().to_owned());
    let (boot, next, commits) = (field("boot ")?, field("next ")?, field("commits ")?);
    let name = |name: String| (name != NONE).then_some(name);
    Some(Testimony {
        boot: name(boot),
        next: name(next),
        commits: commits.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(boot: Option<&str>, commits: u64) -> Record {
        Record {
            boot: boot.map(str::to_owned),
            commits,
        }
    }

    fn testimony(boot: Option<&str>, next: Option<&str>, commits: u64) -> Testimony {
        Testimony {
            boot: boot.map(str::to_owned),
            next: next.map(str::to_owned),
            commits,
        }
    }

    #[test]
    fn a_new_life_begins_exactly_when_commits_may_be_missing() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        for (record, witness, expected) in [
            // New, or of the first schema.
            (record(None, 0), None, None),
            // It ended while it was opened for the first time, before the database knew.
            (record(None, 0), Some(testimony(None, a, 0)), None),
            (record(a, 0), Some(testimony(None, a, 0)), None),
            // In good order, killed, and after a power failure that left the witness behind.
            (record(a, 9), Some(testimony(a, None, 9)), None),
            (record(a, 9), Some(testimony(a, None, 4)), None),
            // It ended between the two writes of a later opening.
            (record(a, 9), Some(testimony(a, b, 9)), None),
            (record(b, 9), Some(testimony(a, b, 9)), None),
            // Older copies.
            (
                record(a, 5),
                Some(testimony(a, None, 9)),
                Some(Loss::Commits(4)),
            ),
            (
                record(a, 5),
                Some(testimony(a, b, 9)),
                Some(Loss::Commits(4)),
            ),
            (
                record(a, 12),
                Some(testimony(b, None, 9)),
                Some(Loss::OtherCopy),
            ),
            (
                record(a, 12),
                Some(testimony(b, c, 9)),
                Some(Loss::OtherCopy),
            ),
            (
                record(None, 0),
                Some(testimony(b, None, 9)),
                Some(Loss::OtherCopy),
            ),
            (record(a, 5), None, Some(Loss::NoWitness)),
        ] {
            assert_eq!(
                loss(false, &record, witness.as_ref()),
                expected,
                "{record:?} {witness:?}"
            );
            assert_eq!(loss(true, &record, witness.as_ref()), Some(Loss::Restored));
        }
    }

    #[test]
    fn a_witness_in_a_file_is_read_back_and_rubbish_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.witness");
        let mut witness = FileWitness::new(path.clone());
        assert_eq!(witness.read().unwrap(), None);
        let long = testimony(Some("0123456789abcdef"), Some("fedcba9876543210"), u64::MAX);
        for testimony in [
            long,
            testimony(None, Some("a"), 0),
            testimony(Some("b"), None, 7),
        ] {
            witness.write(&testimony, true).unwrap();
            let mut again = FileWitness::new(path.clone());
            assert_eq!(again.read().unwrap(), Some(testimony));
        }
        std::fs::write(&path, "boot").unwrap();
        assert_eq!(witness.read().unwrap(), None);
    }

    #[test]
    fn an_epoch_fits_its_limit() {
        let NewNames { birth, life, .. } = NewNames::random();
        assert!(public_epoch(&birth, Some(&life)).len() <= 36);
        assert_eq!(public_epoch(&birth, None), birth);
        assert!(is_same_log(&public_epoch(&birth, Some(&life)), &birth));
        assert!(!is_same_log(&public_epoch(&birth, Some(&life)), &life));
    }
}
