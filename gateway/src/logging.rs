//! Where log lines go: text on standard error, and the audit log as JSON lines.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use clap::Args;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    fmt::{self, writer::BoxMakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::audit;

/// Flags of the log.
#[derive(Clone, Debug, Default, Args)]
pub struct LogFlags {
    /// The file that the audit log is appended to, as JSON lines: what was refused, and what holders of API keys
    /// have changed. It is opened again on SIGHUP. `-` is standard output. Default: standard error, with the
    /// other log.
    #[arg(long, env = "ALO_AUDIT_LOG", value_name = "FILE")]
    pub audit_log: Option<PathBuf>,
}

/// The log, started.
#[derive(Debug)]
pub struct Logging {
    audit: Option<AuditFile>,
}

impl Logging {
    /// Starts the log of this process; `RUST_LOG` chooses the lines other than those of the audit log.
    ///
    /// # Errors
    /// When the file of the audit log cannot be opened.
    pub fn start(flags: &LogFlags) -> io::Result<Self> {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let is_audit = |metadata: &tracing::Metadata<'_>| metadata.target() == audit::TARGET;
        let text = fmt::layer()
            .with_writer(io::stderr)
            .with_filter(filter)
            .with_filter(filter_fn(move |metadata| !is_audit(metadata)));
        let (writer, audit) = match flags.audit_log.as_deref() {
            None => (BoxMakeWriter::new(io::stderr), None),
            Some(path) if path == Path::new("-") => (BoxMakeWriter::new(io::stdout), None),
            Some(path) => {
                let file = AuditFile::open(path)?;
                let writer = file.clone();
                (BoxMakeWriter::new(move || writer.clone()), Some(file))
            }
        };
        let lines = fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(writer)
            .with_filter(filter_fn(is_audit));
        tracing_subscriber::registry().with(text).with(lines).init();
        Ok(Self { audit })
    }

    /// Opens the file of the audit log again, after it was moved away.
    pub fn reopen(&self) {
        let Some(file) = &self.audit else {
            return;
        };
        if let Err(error) = file.reopen() {
            tracing::error!(%error, path = %file.path.display(), "--audit-log: the file could not be opened again");
        }
    }
}

/// A file that lines are appended to.
#[derive(Clone, Debug)]
struct AuditFile {
    path: Arc<Path>,
    file: Arc<Mutex<File>>,
}

impl AuditFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: Arc::new(Mutex::new(append_to(path)?)),
            path: path.into(),
        })
    }

    fn reopen(&self) -> io::Result<()> {
        let file = append_to(&self.path)?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

impl Write for AuditFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Readable by this user only.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("audit.log"), folder.path().join("old"));
        let mut file = AuditFile::open(&path).unwrap();
        file.write_all(b"one\n").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        file.write_all(b"two\n").unwrap();
        file.reopen().unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(moved).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "three\n");
    }
}
