//! The gateway's own keys: API keys of the app's servers, and the secrets that tokens are signed with.

use std::{fmt, fs, io, path::Path, sync::Arc};

use alo_protocol::{ErrorBody, ErrorCode};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Minimum length of a key or secret in a keys file: 256 bits, as HS256 requires (RFC 7518, 3.2).
const KEY_BYTES: usize = 32;
/// Most keys, and most secrets, of a file.
const KEYS: usize = 64;
/// Maximum length of names and key ids, bytes.
const NAME_BYTES: usize = 64;
/// The name of the key of `--api-key`.
const DEFAULT_NAME: &str = "default";

/// What the holder of an API key may do. Each right includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Issue tokens.
    Auth,
    /// Send and read in users' names, delete messages, revoke, ban and mute.
    Platform,
    /// Erase channels and users.
    Admin,
}

impl Right {
    /// Its name in a keys file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Platform => "platform",
            Self::Admin => "admin",
        }
    }
}

/// The content of a keys file.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeysFile {
    #[serde(default)]
    api_keys: Vec<ListedKey>,
    #[serde(default)]
    jwt_secrets: Vec<ListedSecret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedKey {
    name: String,
    key: String,
    right: Right,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedSecret {
    kid: String,
    secret: String,
}

/// Why a keys file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Others may read it.
    #[error("others may read it: its mode must be 0600")]
    Mode,
    /// It is not the JSON that is expected. Its text is not quoted: there are secrets in it.
    #[error("it is not a keys file: wrong {what} at line {line}, column {column}")]
    Json {
        /// Syntax, data or end.
        what: &'static str,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// An entry is wrong.
    #[error("{0}")]
    Entry(String),
}

impl KeysFile {
    /// Reads and checks a file that only its owner may read.
    ///
    /// # Errors
    /// What is wrong, without quoting keys.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 != 0
        {
            return Err(KeysError::Mode);
        }
        Self::parse(&fs::read(path)?)
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, KeysError> {
        let file: Self = serde_json::from_slice(text).map_err(|error| KeysError::Json {
            what: match error.classify() {
                serde_json::error::Category::Data => "value",
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof => "syntax",
            },
            line: error.line(),
            column: error.column(),
        })?;
        let keys = file.api_keys.iter().map(|key| (&key.name, &key.key));
        check("apiKeys", "name", keys)?;
        let secrets = file.jwt_secrets.iter();
        check(
            "jwtSecrets",
            "kid",
            secrets.map(|secret| (&secret.kid, &secret.secret)),
        )?;
        Ok(file)
    }

    /// Whether it lists API keys: then none need be generated.
    pub const fn has_api_keys(&self) -> bool {
        !self.api_keys.is_empty()
    }

    /// Whether it lists secrets: then none need be generated.
    pub const fn has_secrets(&self) -> bool {
        !self.jwt_secrets.is_empty()
    }
}

fn check<'a>(
    list: &str,
    id: &str,
    entries: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<(), KeysError> {
    let wrong = |text: String| Err(KeysError::Entry(text));
    let mut ids = Vec::new();
    for (place, (name, key)) in entries.enumerate() {
        if place == KEYS {
            return wrong(format!("{list}: must have at most {KEYS} entries"));
        }
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return wrong(format!(
                "{list}[{place}].{id}: must have 1 to {NAME_BYTES} bytes without control characters"
            ));
        }
        if ids.contains(&name) {
            return wrong(format!("{list}[{place}].{id}: {name:?} is used twice"));
        }
        if key.len() < KEY_BYTES {
            return wrong(format!(
                "{list}: {name:?} must have at least {KEY_BYTES} bytes"
            ));
        }
        ids.push(name);
    }
    Ok(())
}

/// The keys that are accepted. They are replaced all at once.
pub struct Keys {
    api: Vec<ApiKey>,
    /// It signs, and verifies as the others.
    signer: Secret,
    others: Vec<Secret>,
}

struct ApiKey {
    name: Arc<str>,
    right: Right,
    /// Comparing digests reveals neither content nor length.
    digest: [u8; 32],
}

/// A secret of HS256.
pub(super) struct Secret {
    pub(super) kid: Option<String>,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
}

impl Keys {
    /// The keys of a file, and those of flags: `api_key` has every right, and `secret` verifies tokens, and signs
    /// them if the file has none.
    ///
    /// # Errors
    /// When there is no secret.
    pub fn new(
        api_key: Option<&str>,
        secret: Option<&[u8]>,
        file: &KeysFile,
    ) -> Result<Self, KeysError> {
        let listed = file.api_keys.iter();
        let listed = listed.map(|key| ApiKey::new(&key.name, key.right, &key.key));
        let flag = api_key.map(|key| ApiKey::new(DEFAULT_NAME, Right::Admin, key));
        let secrets = file.jwt_secrets.iter();
        let mut secrets = secrets
            .map(|listed| Secret::new(Some(listed.kid.clone()), listed.secret.as_bytes()))
            .chain(secret.map(|secret| Secret::new(None, secret)));
        let missing = || KeysError::Entry("jwtSecrets: must have at least one".to_owned());
        Ok(Self {
            api: listed.chain(flag).collect(),
            signer: secrets.next().ok_or_else(missing)?,
            others: secrets.collect(),
        })
    }

    /// One key with every right, and one secret.
    pub(super) fn single(api_key: &str, secret: &[u8]) -> Self {
        Self {
            api: vec![ApiKey::new(DEFAULT_NAME, Right::Admin, api_key)],
            signer: Secret::new(None, secret),
            others: Vec::new(),
        }
    }

    /// The name of an API key that has this right.
    ///
    /// # Errors
    /// `token-invalid` for a key that is not known; the time it takes reveals nothing about the keys.
    /// `key-forbidden` for one without the right.
    pub fn check_api_key(&self, key: &str, right: Right) -> Result<Arc<str>, ErrorBody> {
        let digest = digest(key);
        let mut found = None;
        for known in &self.api {
            if bool::from(known.digest.ct_eq(&digest)) {
                found = Some(known);
            }
        }
        let Some(known) = found else {
            return Err(ErrorBody::new(
                ErrorCode::TokenInvalid,
                "the API key is not accepted",
            ));
        };
        if known.right < right {
            let message = format!(
                "the API key {:?} has the right {:?}; this needs {:?}",
                known.name,
                known.right.as_str(),
                right.as_str()
            );
            return Err(ErrorBody::new(ErrorCode::KeyForbidden, message));
        }
        Ok(known.name.clone())
    }

    /// The secret that signs.
    pub(super) const fn signer(&self) -> &Secret {
        &self.signer
    }

    /// The secrets that may have signed a token with this `kid`. One without may be of any: earlier versions of the
    /// gateway wrote none.
    pub(super) fn verifiers(&self, kid: Option<&str>) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.signer)
            .chain(&self.others)
            .filter(move |secret| kid.is_none() || secret.kid.as_deref() == kid)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets are not shown.
        write!(
            f,
            "Keys({} API keys, {} secrets)",
            self.api.len(),
            self.others.len() + 1
        )
    }
}

impl ApiKey {
    fn new(name: &str, right: Right, key: &str) -> Self {
        Self {
            name: name.into(),
            right,
            digest: digest(key),
        }
    }
}

impl Secret {
    fn new(kid: Option<String>, secret: &[u8]) -> Self {
        Self {
            kid,
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    fn code(keys: &Keys, key: &str, right: Right) -> Option<ErrorCode> {
        keys.check_api_key(key, right).err().map(|error| error.code)
    }

    #[test]
    fn an_api_key_must_be_whole_and_have_the_right() {
        let other = LONG.to_uppercase();
        let text = format!(
            r#"{{"apiKeys": [{{"name": "web", "key": "{LONG}", "right": "auth"}},
                             {{"name": "bot", "key": "{other}", "right": "platform"}}]}}"#
        );
        let file = KeysFile::parse(text.as_bytes()).unwrap();
        let keys = Keys::new(Some("key"), Some(b"secret"), &file).unwrap();
        assert_eq!(
            &*keys.check_api_key("key", Right::Admin).unwrap(),
            "default"
        );
        assert_eq!(&*keys.check_api_key(LONG, Right::Auth).unwrap(), "web");
        assert_eq!(
            code(&keys, LONG, Right::Platform),
            Some(ErrorCode::KeyForbidden)
        );
        assert_eq!(&*keys.check_api_key(&other, Right::Auth).unwrap(), "bot");
        assert_eq!(
            code(&keys, &other, Right::Admin),
            Some(ErrorCode::KeyForbidden)
        );
        for wrong in ["", "ke", "keyy", "KEY", &LONG[1..]] {
            assert_eq!(
                code(&keys, wrong, Right::Auth),
                Some(ErrorCode::TokenInvalid)
            );
        }
    }

    #[test]
    fn wrong_files_name_the_entry_and_quote_no_key() {
        for (text, message) in [
            ("", "wrong syntax at line 1"),
            ("7", "wrong value at line 1"),
            (r#"{"keys": []}"#, "wrong value"),
            (
                r#"{"apiKeys": [{"name": "a", "key": "hunter2", "right": "auth"}]}"#,
                "apiKeys: \"a\" must have at least 32 bytes",
            ),
            (
                r#"{"apiKeys": [{"name": "", "key": "hunter2", "right": "auth"}]}"#,
                "apiKeys[0].name",
            ),
            (
                r#"{"apiKeys": [{"name": "a", "key": "hunter2", "right": "all"}]}"#,
                "wrong value",
            ),
            (
                r#"{"jwtSecrets": [{"kid": "a", "secret": "hunter2"}]}"#,
                "jwtSecrets: \"a\" must have at least 32 bytes",
            ),
            (
                r#"{"jwtSecrets": [{"kid": "a", "secret": "0123456789abcdef0123456789abcdef"},
                                  {"kid": "a", "secret": "0123456789abcdef0123456789abcdef"}]}"#,
                "jwtSecrets[1].kid: \"a\" is used twice",
            ),
        ] {
            let error = KeysFile::parse(text.as_bytes()).err().unwrap().to_string();
            assert!(error.contains(message), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(KeysFile::read(&path), Err(KeysError::Mode)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(KeysFile::read(&path).is_ok());
    }
}
