//! Public keys of the app's own issuer of tokens, as a JSON Web Key Set (RFC 7517).

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{
        AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
        RSAKeyParameters,
    },
};
use serde::Deserialize;

/// Most keys of a set.
const KEYS: usize = 128;
/// Maximum length of a key's id, bytes.
pub(super) const KID_BYTES: usize = 256;
/// RSA keys have at least 2,048 bits, and at most 4,096, which bounds the work of a verification.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// The keys that tokens may be signed with.
#[derive(Debug, Default)]
pub struct KeySet(Vec<PublicKey>);

/// A key, with the only algorithm that it verifies.
#[derive(Debug)]
pub(super) struct PublicKey {
    kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Why a key set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// It is not JSON of the right form.
    #[error("it is not a JSON Web Key Set: {0}")]
    Json(#[from] serde_json::Error),
    /// None of its keys can be used.
    #[error("it has no key for ES256, EdDSA or RS256")]
    Empty,
    /// There are too many.
    #[error("it has more than {KEYS} keys")]
    TooMany,
}

#[derive(Deserialize)]
struct Listed {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Reads a set. Keys of other kinds are left out, as the standard wants.
    ///
    /// # Errors
    /// When nothing in it can be used.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        let listed: Listed = serde_json::from_slice(text)?;
        if listed.keys.len() > KEYS {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<_> = listed
            .keys
            .into_iter()
            .filter_map(|value| PublicKey::new(&serde_json::from_value(value).ok()?))
            .collect();
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self(keys))
    }

    /// How many keys it has.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of this id, or the only one for the algorithm if a token names none.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        let mut fits = self.0.iter().filter(|key| {
            key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid)
        });
        let found = fits.next();
        if kid.is_none() && fits.next().is_some() {
            return None;
        }
        found
    }

    pub(super) fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }
}

impl PublicKey {
    fn new(jwk: &Jwk) -> Option<Self> {
        let (algorithm, named) = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(params)
                if params.curve == EllipticCurve::P256
                    && is_long(&params.x, 32)
                    && is_long(&params.y, 32) =>
            {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(params)
                if params.curve == EllipticCurve::Ed25519 && is_long(&params.x, 32) =>
            {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            AlgorithmParameters::RSA(RSAKeyParameters { n, .. })
                if bytes(n).is_some_and(|n| RSA_BYTES.contains(&n)) =>
            {
                (Algorithm::RS256, KeyAlgorithm::RS256)
            }
            AlgorithmParameters::EllipticCurve(_)
            | AlgorithmParameters::OctetKeyPair(_)
            | AlgorithmParameters::RSA(_)
            // A secret has no place in a public set.
            | AlgorithmParameters::OctetKey(_)
            | AlgorithmParameters::Other(_)
            | _ => return None,
        };
        let common = &jwk.common;
        let is_for_it = common.key_algorithm.is_none_or(|listed| listed == named);
        let signs = !matches!(
            &common.public_key_use,
            Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_))
        );
        let verifies = common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let kid = common.key_id.clone();
        let is_named = kid.as_ref().is_none_or(|kid| kid.len() <= KID_BYTES);
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (is_for_it && signs && verifies && is_named).then_some(Self {
            kid,
            algorithm,
            key,
        })
    }
}

fn is_long(text: &str, wanted: usize) -> bool {
    bytes(text) == Some(wanted)
}

/// The number of bytes that base64url text stands for.
fn bytes(text: &str) -> Option<usize> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // The examples of RFC 7517, A.1, and RFC 8037, A.2.
    const X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
    const Y: &str = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
    const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn parse(keys: &serde_json::Value) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
    }

    #[test]
    fn a_key_verifies_its_own_algorithm_only() {
        let set = parse(&json!([
            {"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "1", "use": "sig"},
            {"kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "2"},
        ]))
        .unwrap();
        assert!(set.find(Some("1"), Algorithm::ES256).is_some());
        assert!(set.find(Some("2"), Algorithm::EdDSA).is_some());
        for (kid, algorithm) in [
            ("1", Algorithm::EdDSA),
            ("1", Algorithm::RS256),
            ("1", Algorithm::HS256),
            ("2", Algorithm::ES256),
            ("3", Algorithm::ES256),
        ] {
            assert!(set.find(Some(kid), algorithm).is_none(), "{kid}");
        }
    }

    #[test]
    fn a_token_that_names_no_key_needs_the_only_one() {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": ED});
        let one = parse(&json!([key])).unwrap();
        assert!(one.find(None, Algorithm::EdDSA).is_some());
        let two = parse(&json!([key, key])).unwrap();
        assert!(two.find(None, Algorithm::EdDSA).is_none());
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out() {
        let short = "AQAB".repeat(8);
        for key in [
            json!({"kty": "oct", "k": X}),
            json!({"kty": "EC", "crv": "P-384", "x": X, "y": Y}),
            json!({"kty": "EC", "crv": "secp256k1", "x": X, "y": Y}),
            json!({"kty": "EC", "crv": "P-256", "x": "AQAB", "y": Y}),
            json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "use": "enc"}),
            json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "alg": "RS256"}),
            json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "key_ops": ["encrypt"]}),
            json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "x".repeat(300)}),
            json!({"kty": "RSA", "n": short, "e": "AQAB"}),
            json!({"kty": "RSA", "n": "A".repeat(1_000), "e": "AQAB"}),
            json!(7),
        ] {
            let error = parse(&json!([key])).unwrap_err();
            assert!(matches!(error, KeySetError::Empty), "{key}");
        }
        let many = vec![json!({}); KEYS + 1];
        assert!(matches!(parse(&json!(many)), Err(KeySetError::TooMany)));
        assert!(matches!(KeySet::parse(b"{}"), Err(KeySetError::Json(_))));
    }
}
