//! Where keys come from: flags and files, read again on SIGHUP.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    fetch::{self, JwksUrl, Pace},
    issuer::Issuer,
    jwks::{KeySet, KeySetError},
    keys::{Keys, KeysError, KeysFile},
    tokens::Tokens,
};

/// Flags of keys.
#[derive(Clone, Debug, Default, Args)]
pub struct KeyFlags {
    /// A JSON file, of mode 0600, with API keys by name and right, and secrets that tokens are signed with, by
    /// `kid`; the first signs. It is read again on SIGHUP.
    #[arg(long, env = "ALO_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Also accept tokens of an issuer of your own, whose keys are at this address, as a JSON Web Key Set: for ES256,
    /// EdDSA and RS256. Over https, or from this machine.
    #[arg(
        long,
        env = "ALO_JWKS_URL",
        value_name = "URL",
        requires = "jwt_issuer",
        conflicts_with = "jwks_file"
    )]
    pub jwks_url: Option<JwksUrl>,

    /// The same from a file, read again on SIGHUP.
    #[arg(
        long,
        env = "ALO_JWKS_FILE",
        value_name = "FILE",
        requires = "jwt_issuer"
    )]
    pub jwks_file: Option<PathBuf>,

    /// The `iss` of the tokens of your issuer.
    #[arg(long, env = "ALO_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,

    /// The `aud` of the tokens of your issuer.
    #[arg(
        long,
        env = "ALO_JWT_AUDIENCE",
        value_name = "AUDIENCE",
        default_value = "alo-chat"
    )]
    pub jwt_audience: String,
}

/// Everything that keys are read from.
#[derive(Clone)]
pub struct KeySource {
    /// `--api-key`, or the generated one.
    pub api_key: Option<String>,
    /// `--jwt-secret`, or the generated one.
    pub jwt_secret: Option<String>,
    /// The other flags.
    pub flags: KeyFlags,
    /// How often the issuer's keys are fetched.
    pub pace: Pace,
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Those of `--keys`.
    #[error("--keys {0}: {1}")]
    Keys(PathBuf, KeysError),
    /// The file of `--jwks-file` cannot be read.
    #[error("--jwks-file {0}: {1}")]
    Read(PathBuf, io::Error),
    /// It is not a key set.
    #[error("--jwks-file {0}: {1}")]
    Set(PathBuf, KeySetError),
}

impl KeySource {
    /// The keys as they are now.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn open(&self) -> Result<Tokens, SourceError> {
        let issuer = match &self.flags.jwt_issuer {
            Some(issuer) if self.flags.jwks_url.is_some() || self.flags.jwks_file.is_some() => {
                let set = self.flags.jwks_file.as_deref().map(read_set).transpose()?;
                Some(Issuer::new(issuer, &self.flags.jwt_audience, set))
            }
            Some(_) | None => None,
        };
        Ok(Tokens::with(self.keys()?, issuer.map(Arc::new)))
    }

    /// Reads the files again. When one is wrong, all keys stay as they are.
    ///
    /// # Errors
    /// See [`KeySource::open`].
    pub fn reload(&self, tokens: &Tokens) -> Result<(), SourceError> {
        let keys = self.keys()?;
        let set = self.flags.jwks_file.as_deref().map(read_set).transpose()?;
        tokens.replace(keys);
        if let (Some(issuer), Some(set)) = (tokens.issuer(), set) {
            issuer.replace(set);
        }
        Ok(())
    }

    /// Keeps the issuer's keys fresh, if they are fetched; otherwise there is nothing to do. Does not end.
    pub async fn keep_fresh(self, tokens: Arc<Tokens>) {
        if let (Some(issuer), Some(url)) = (tokens.issuer(), &self.flags.jwks_url)
            && let Err(error) = fetch::keep_fresh(issuer, url, self.pace).await
        {
            tracing::error!(%error, "--jwks-url: nothing can be fetched");
        }
        std::future::pending().await
    }

    fn keys(&self) -> Result<Keys, SourceError> {
        let path = self.flags.keys.clone().unwrap_or_default();
        let wrong = |error| SourceError::Keys(path.clone(), error);
        let file = self.flags.file().map_err(wrong)?;
        let secret = self.jwt_secret.as_deref().map(str::as_bytes);
        Keys::new(self.api_key.as_deref(), secret, &file).map_err(wrong)
    }
}

impl KeyFlags {
    /// The content of `--keys`; without the flag, an empty one.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn file(&self) -> Result<KeysFile, KeysError> {
        let file = self.keys.as_deref().map(KeysFile::read).transpose();
        file.map(Option::unwrap_or_default)
    }
}

fn read_set(path: &Path) -> Result<KeySet, SourceError> {
    let text = fs::read(path).map_err(|error| SourceError::Read(path.to_owned(), error))?;
    KeySet::parse(&text).map_err(|error| SourceError::Set(path.to_owned(), error))
}
