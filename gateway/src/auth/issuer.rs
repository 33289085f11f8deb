//! The app's own issuer of tokens: which keys it signs with, as far as they are loaded.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use alo_protocol::{ErrorBody, ErrorCode};
use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind};
use tokio::sync::Notify;

use super::{
    claims::Claims,
    jwks::{KID_BYTES, KeySet},
    refused,
};

/// Key ids that are looked for, or known to be absent, at most.
const KIDS: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct Issuer {
    /// One for each algorithm.
    validations: [Validation; 3],
    /// Whether keys are fetched: then an unknown one may still be loaded.
    fetches: bool,
    known: RwLock<Known>,
    wakes: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// None until it is loaded.
    set: Option<KeySet>,
    /// Key ids of tokens that are not in the set, to be looked for in the next one.
    wanted: BTreeSet<String>,
    /// Key ids that were looked for and are not there.
    absent: BTreeSet<String>,
}

impl Issuer {
    /// With the `iss` and the `aud` that its tokens must have. `set`: the keys of a file; without one they are
    /// fetched.
    pub fn new(issuer: &str, audience: &str, set: Option<KeySet>) -> Self {
        let validation = |algorithm| {
            let mut validation = Validation::new(algorithm);
            validation.set_issuer(&[issuer]);
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
            // Time is an argument: claims are checked against the caller's clock.
            validation.validate_exp = false;
            validation
        };
        Self {
            validations: [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256].map(validation),
            fetches: set.is_none(),
            known: RwLock::new(Known {
                set,
                ..Known::default()
            }),
            wakes: Notify::new(),
        }
    }

    /// The claims of a token.
    ///
    /// # Errors
    /// `unavailable` while its key may still be loaded, `token-invalid` for any other fault.
    pub(super) fn verify(&self, token: &str, header: &Header) -> Result<Claims, ErrorBody> {
        // A key verifies only the algorithm of its own type, whatever the header names.
        let is_for = |validation: &&Validation| validation.algorithms.contains(&header.alg);
        let Some(validation) = self.validations.iter().find(is_for) else {
            return Err(refused("it is signed by another algorithm"));
        };
        let kid = header.kid.as_deref();
        let known = self.read();
        let Some(set) = &known.set else {
            self.wakes.notify_one();
            return Err(not_loaded());
        };
        if let Some(key) = set.find(kid, header.alg) {
            return match jsonwebtoken::decode::<Claims>(token, &key.key, validation) {
                Ok(decoded) => Ok(decoded.claims),
                Err(error) => Err(refused(reason(error.kind()))),
            };
        }
        let may_come = kid.filter(|kid| {
            self.fetches
                && kid.len() <= KID_BYTES
                && !set.has(kid)
                && !known.absent.contains(*kid)
                && (known.wanted.len() < KIDS || known.wanted.contains(*kid))
        });
        let Some(kid) = may_come.map(str::to_owned) else {
            return Err(refused("it is signed with an unknown key"));
        };
        drop(known);
        self.write().wanted.insert(kid);
        self.wakes.notify_one();
        Err(not_loaded())
    }

    /// Keys of a file were read again.
    pub(super) fn replace(&self, set: KeySet) {
        self.write().set = Some(set);
    }

    /// Ends when a token names a key that is not known.
    pub(super) async fn wants(&self) {
        self.wakes.notified().await;
    }

    /// What a fetch that starts now looks for.
    pub(super) fn begin_fetch(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.write().wanted)
    }

    /// A fetch has succeeded. `again`: it was a regular one, so that keys that were absent may be looked for again.
    pub(super) fn fetched(&self, set: KeySet, asked: BTreeSet<String>, again: bool) {
        let mut known = self.write();
        if again || known.absent.len() >= KIDS {
            known.absent.clear();
        }
        let missing = asked.into_iter().filter(|kid| !set.has(kid));
        known.absent.extend(missing);
        known.set = Some(set);
    }

    /// A fetch has failed: the keys there are stay, and what was looked for is looked for in the next one.
    pub(super) fn fetch_failed(&self, asked: BTreeSet<String>) {
        self.write().wanted.extend(asked);
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with a token, in words for the log of its issuer.
pub(super) fn reason(kind: &ErrorKind) -> &'static str {
    if matches!(kind, ErrorKind::InvalidAudience) {
        "its audience is another"
    } else if matches!(kind, ErrorKind::InvalidIssuer) {
        "its issuer is another"
    } else if matches!(kind, ErrorKind::InvalidSignature) {
        "its signature is wrong"
    } else if matches!(kind, ErrorKind::MissingRequiredClaim(_)) {
        "a claim is missing"
    } else if matches!(kind, ErrorKind::Json(_)) {
        "its claims are not those expected"
    } else {
        "it is malformed"
    }
}

fn not_loaded() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::Unavailable,
        "the key that the token is signed with is not loaded yet",
    )
}
