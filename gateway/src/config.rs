//! Flags and environment, and the secrets kept beside the data.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser;

use crate::{
    auth::{KeyFlags, KeySource, Pace, SourceError},
    backup,
    erasure::RetentionFlags,
    files::limits::{FileFlags, FileLimits},
    folder::{FolderLock, LockError},
    intake::{IntakeConfig, IntakeFlags},
    limits::LimitFlags,
    logging::LogFlags,
    origin::{OriginError, Origins},
    permissions, random,
    store::is_full,
};

/// A gateway for alo-chat. Without flags it listens on this machine only and keeps its data in ./alo-data.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Flags {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, env = "ALO_LISTEN", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,

    /// The folder of the database, the uploaded files and the generated secrets.
    #[arg(long, env = "ALO_DATA", default_value = "alo-data")]
    pub data: PathBuf,

    /// The key with which your server requests tokens, at least 32 bytes. By default one is generated, kept in
    /// the data folder and shown once.
    #[arg(long, env = "ALO_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,

    /// The secret that tokens are signed with, at least 32 bytes. By default one is generated and kept in
    /// the data folder.
    #[arg(long, env = "ALO_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,

    /// An origin whose pages may connect, as browsers send it: `https://chat.example.com`, `file://`, or `null`,
    /// which sandboxed frames of any site send. Repeat it for more, or separate them by commas; * allows all.
    /// Default: pages served from this machine.
    #[arg(long, env = "ALO_ALLOW_ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<String>,

    /// Pass this at the first start after the data was restored from a backup, or moved by hand: clients that
    /// received later messages then get `channel.gap` and load the history again. Not needed if chat.witness
    /// was left out of the backup: the gateway then detects it.
    #[arg(long)]
    pub restored: bool,

    /// How long messages are kept.
    #[command(flatten)]
    pub retention: RetentionFlags,

    /// Flags of the log.
    #[command(flatten)]
    pub log: LogFlags,

    /// Limits by rate.
    #[command(flatten)]
    pub limits: LimitFlags,

    /// Flags of keys.
    #[command(flatten)]
    pub keys: KeyFlags,

    /// Connections and buffers.
    #[command(flatten)]
    pub intake: IntakeFlags,

    /// What files may cost.
    #[command(flatten)]
    pub files: FileFlags,
}

/// Checked flags, with all secrets present.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The SQLite file.
    pub database: PathBuf,
    /// The folder of uploaded files.
    pub blobs: PathBuf,
    /// API keys and the keys of tokens.
    pub keys: KeySource,
    /// The API key, if it was just generated and must be shown.
    pub new_api_key: Option<String>,
    /// The origins whose pages may connect.
    pub origins: Origins,
    /// What files may cost.
    pub files: FileLimits,
    /// Whether the data was restored from a backup.
    pub restored: bool,
    /// How long messages are kept.
    pub retention: RetentionFlags,
    /// Keeps other gateways out of the data folder.
    pub lock: Arc<FolderLock>,
    /// Limits by rate.
    pub limits: LimitFlags,
    /// Connections and buffers.
    pub intake: IntakeConfig,
}

/// Minimum length of the API key and the signing secret: 256 bits, as HS256 requires (RFC 7518, 3.2).
const SECRET_BYTES: usize = 32;

/// Why the gateway cannot start with these flags.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The data folder cannot be used.
    #[error("--data {0}: {1}")]
    Data(PathBuf, io::Error),
    /// It was not restored to its end.
    #[error("--data {0}: its restore was interrupted; run `alo-gateway restore` again")]
    Unfinished(PathBuf),
    /// Another gateway uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A secret is too short to be safe.
    #[error(
        "{0}: has {1} bytes and must have at least {SECRET_BYTES}; make one with `openssl rand -hex 32`"
    )]
    Secret(String, usize),
    /// An origin can never match.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// A file of keys is wrong.
    #[error(transparent)]
    Keys(#[from] SourceError),
}

impl Config {
    /// Checks the flags, creates and locks the data folder and generates missing secrets.
    ///
    /// # Errors
    /// When a flag is wrong or the data folder cannot be written.
    pub fn prepare(flags: Flags) -> Result<Self, ConfigError> {
        let origins = Origins::new(&flags.allow_origin)?;
        let data = |error| ConfigError::Data(flags.data.clone(), error);
        let blobs = flags.data.join("files");
        let is_ours = permissions::is_ours(&flags.data).map_err(data)?;
        fs::create_dir_all(&blobs).map_err(data)?;
        let lock = Arc::new(FolderLock::take(&flags.data)?);
        if backup::is_unfinished(&flags.data) {
            return Err(ConfigError::Unfinished(flags.data));
        }
        if is_ours {
            permissions::restrict(&flags.data);
        } else {
            tracing::warn!(
                folder = %flags.data.display(),
                "the folder has other files, so its access rights stay as they are"
            );
        }
        let path = flags.keys.keys.clone().unwrap_or_default();
        let listed = flags
            .keys
            .file()
            .map_err(|error| SourceError::Keys(path, error))?;
        let secret = |flag: Option<String>, name: &str, is_listed: bool| {
            let path = flags.data.join(name);
            let (secret, is_new, from) = match flag {
                Some(secret) => (secret, false, format!("--{name}")),
                None if is_listed => return Ok((None, false)),
                None => {
                    let (secret, is_new) = secret(&path).map_err(data)?;
                    (secret, is_new, path.display().to_string())
                }
            };
            match secret.len() {
                SECRET_BYTES.. => Ok((Some(secret), is_new)),
                bytes => Err(ConfigError::Secret(from, bytes)),
            }
        };
        let (api_key, is_new) = secret(flags.api_key, "api-key", listed.has_api_keys())?;
        let new_api_key = api_key.clone().filter(|_| is_new);
        let (jwt_secret, _) = secret(flags.jwt_secret, "jwt-secret", listed.has_secrets())?;
        Ok(Self {
            listen: flags.listen,
            database: flags.data.join("chat.db"),
            blobs,
            keys: KeySource {
                api_key,
                jwt_secret,
                flags: flags.keys,
                pace: Pace::default(),
            },
            new_api_key,
            origins,
            files: FileLimits::from(&flags.files),
            restored: flags.restored,
            retention: flags.retention,
            lock,
            intake: flags.intake.config(&flags.limits.trusted_proxy),
            limits: flags.limits,
        })
    }
}

/// Reads a secret, or generates it, readable by this user only. Returns true if it is new. On a full disk a new
/// one is valid until the gateway stops.
fn secret(path: &Path) -> io::Result<(String, bool)> {
    match fs::read_to_string(path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok((secret.trim().to_owned(), false)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let secret = random::hex::<32>();
    match keep(path, &secret) {
        Ok(()) => {}
        Err(error) if is_full(&error) => {
            tracing::error!(path = %path.display(), %error, "a new secret cannot be kept and is valid until the gateway stops");
            // Half a secret would be taken for a whole one.
            let _ = fs::remove_file(path);
        }
        Err(error) => return Err(error),
    }
    Ok((secret, true))
}

fn keep(path: &Path, secret: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, secret.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(data: &Path, more: &[&str]) -> Flags {
        let data = data.to_str().unwrap();
        Flags::parse_from(["alo-gateway", "--data", data].iter().chain(more))
    }

    #[test]
    fn secrets_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = || {
            let config = Config::prepare(flags(folder.path(), &[])).unwrap();
            assert!(config.keys.api_key.is_some() && config.keys.jwt_secret.is_some());
            (
                config.new_api_key.is_some(),
                (config.keys.api_key, config.keys.jwt_secret),
            )
        };
        let (first, second) = (secrets(), secrets());
        assert!(first.0 && !second.0);
        assert_eq!(first.1, second.1);
    }

    #[test]
    fn weak_secrets_are_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let prepare = |more: &[&str]| Config::prepare(flags(folder.path(), more)).map(|_| ());
        let secret = "x".repeat(SECRET_BYTES);
        for flag in ["--api-key", "--jwt-secret"] {
            for weak in ["", "short", &secret[1..]] {
                let text = prepare(&[flag, weak]).unwrap_err().to_string();
                assert!(text.starts_with(flag), "{text}");
                assert!(text.contains("openssl rand -hex 32"), "{text}");
            }
            assert!(prepare(&[flag, &secret]).is_ok());
        }
        // One that was written into the data folder by hand.
        fs::write(folder.path().join("api-key"), "short").unwrap();
        let text = prepare(&[]).unwrap_err().to_string();
        assert!(text.contains("api-key: has 5 bytes"), "{text}");
    }

    #[test]
    fn an_origin_that_can_never_match_is_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let wrong = Config::prepare(flags(&data, &["--allow-origin", "chat.example.com"]));
        assert!(matches!(wrong, Err(ConfigError::Origin(_))));
        assert!(!data.exists());
    }
}
