//! Creates and checks tokens.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use alo_protocol::{AuthRequest, ErrorBody, Uuid};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::Serialize;

use crate::access::Access;

use super::{
    Identity,
    claims::Claims,
    issuer::{Issuer, reason},
    keys::{Keys, Right},
    refused,
};

/// The audience of tokens that the gateway issues.
const AUDIENCE: &str = "alo-chat";

/// Creates and checks tokens, and checks API keys. The keys may be replaced while it is used.
pub struct Tokens {
    keys: RwLock<Arc<Keys>>,
    issuer: Option<Arc<Issuer>>,
    validation: Validation,
    access: Arc<Access>,
}

#[derive(Serialize)]
struct Issued {
    aud: &'static str,
    #[serde(flatten)]
    claims: Claims,
}

impl Tokens {
    /// With one API key and one secret.
    pub fn new(api_key: &str, jwt_secret: &[u8]) -> Self {
        Self::with(Keys::single(api_key, jwt_secret), None)
    }

    /// With these keys, and the issuer of the app if it has one.
    pub fn with(keys: Keys, issuer: Option<Arc<Issuer>>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["aud", "exp"]);
        // Time is an argument here: claims are checked against the caller's clock.
        validation.validate_exp = false;
        Self {
            keys: RwLock::new(Arc::new(keys)),
            issuer,
            validation,
            access: Arc::default(),
        }
    }

    /// What is revoked: tokens are checked against it.
    pub const fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Other keys from now on. What is signed with a secret that is among them stays valid.
    pub fn replace(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// The issuer of the app.
    pub(super) const fn issuer(&self) -> Option<&Arc<Issuer>> {
        self.issuer.as_ref()
    }

    /// A token for `request`, which [`super::check_auth_request`] has accepted. `id` becomes its `jti`.
    pub fn issue(&self, request: &AuthRequest, now_ms: u64, id: Uuid) -> String {
        let claims = Claims {
            sub: request.user.id.clone(),
            iat: Some(now_ms as f64 / 1_000.0),
            exp: (now_ms / 1_000 + u64::from(request.ttl) * 60) as f64,
            nbf: None,
            jti: Some(id.to_string()),
            channels: request.channel_ids.iter().cloned().collect(),
        };
        let keys = self.keys();
        let signer = keys.signer();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = signer.kid.clone();
        let issued = Issued {
            aud: AUDIENCE,
            claims,
        };
        // HMAC takes keys of any length and the claims are strings and numbers: nothing can fail.
        jsonwebtoken::encode(&header, &issued, &signer.encoding).expect("HS256 signs any claims")
    }

    /// The user and rights of a token.
    ///
    /// # Errors
    /// `token-revoked`, `token-expired` from its last second on, `unavailable` while the key it is signed with may still be loaded,
    /// `token-invalid` for any other fault.
    pub fn verify(&self, token: &str, now_ms: u64) -> Result<Identity, ErrorBody> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("it is malformed"))?;
        if header.crit.is_some() {
            // No extension is understood (RFC 7515, 4.1.11).
            return Err(refused("it has critical extensions"));
        }
        let claims = match (&self.issuer, header.alg) {
            // A secret is only ever used for HS256, and HS256 only ever with a secret.
            (_, Algorithm::HS256) => self.verify_own(token, &header)?,
            (Some(issuer), _) => issuer.verify(token, &header)?,
            (None, _) => return Err(refused("it is signed by another algorithm")),
        };
        claims.identity(now_ms, &self.access)
    }

    fn verify_own(&self, token: &str, header: &Header) -> Result<Claims, ErrorBody> {
        let mut error = refused("it is signed with an unknown key");
        for secret in self.keys().verifiers(header.kid.as_deref()) {
            match jsonwebtoken::decode::<Claims>(token, &secret.decoding, &self.validation) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(fault) => error = refused(reason(fault.kind())),
            }
        }
        Err(error)
    }

    /// The name of an API key that has this right.
    ///
    /// # Errors
    /// See [`Keys::check_api_key`].
    pub fn check_api_key(&self, key: &str, right: Right) -> Result<Arc<str>, ErrorBody> {
        self.keys().check_api_key(key, right)
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens") // Secrets are not shown.
    }
}

#[cfg(test)]
mod tests {
    use alo_protocol::{AuthUser, ErrorCode};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::EncodingKey;

    use super::*;
    use crate::auth::KeysFile;

    const ID: Uuid = Uuid::from_bytes([7; 16]);

    fn request(ttl: u32, user: &str, channels: &[&str]) -> AuthRequest {
        AuthRequest {
            ttl,
            user: AuthUser { id: user.into() },
            channel_ids: channels.iter().map(|id| id.parse().unwrap()).collect(),
        }
    }

    fn code(result: Result<Identity, ErrorBody>) -> ErrorCode {
        result.unwrap_err().code
    }

    #[test]
    fn a_token_speaks_for_its_user_and_channels_until_it_expires() {
        let tokens = Tokens::new("key", b"secret");
        let token = tokens.issue(&request(1, "ada", &["a", "b"]), 5_999, ID);
        let identity = tokens.verify(&token, 64_999).unwrap();
        assert_eq!(&*identity.user_id, "ada");
        assert_eq!(identity.expires_at_ms, 65_000);
        assert_eq!(identity.issued_at_ms, 5_999);
        assert_eq!(identity.token_id.as_deref(), Some(&*ID.to_string()));
        assert!(identity.authorize(&"b".parse().unwrap(), 0).is_ok());
        let forbidden = identity.authorize(&"c".parse().unwrap(), 0).unwrap_err();
        assert_eq!(forbidden.code, ErrorCode::ChannelForbidden);
        assert!(forbidden.message.contains("\"c\""));
        assert_eq!(code(tokens.verify(&token, 65_000)), ErrorCode::TokenExpired);
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let tokens = Tokens::new("key", b"secret");
        let other = Tokens::new("key", b"other").issue(&request(1, "ada", &["a"]), 0, ID);
        assert_eq!(code(tokens.verify(&other, 0)), ErrorCode::TokenInvalid);
        for text in ["", "x", "a.b.c"] {
            assert_eq!(code(tokens.verify(text, 0)), ErrorCode::TokenInvalid);
        }
        // Signed with the right secret, but made for another audience, or by another algorithm.
        let claims = |aud: &str| serde_json::json!({"aud": aud, "sub": "ada", "iat": 0, "exp": 60, "channels": ["a"]});
        let key = EncodingKey::from_secret(b"secret");
        let sign = |algorithm, claims: &serde_json::Value| {
            jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
        };
        assert!(
            tokens
                .verify(&sign(Algorithm::HS256, &claims("alo-chat")), 0)
                .is_ok()
        );
        for wrong in [
            sign(Algorithm::HS256, &claims("else")),
            sign(Algorithm::HS512, &claims("alo-chat")),
            sign(
                Algorithm::HS256,
                &serde_json::json!({"sub": "ada", "iat": 0, "exp": 60, "channels": ["a"]}),
            ),
            sign(
                Algorithm::HS256,
                &serde_json::json!({"aud": "alo-chat", "sub": "ada", "iat": 0, "channels": ["a"]}),
            ),
        ] {
            assert_eq!(code(tokens.verify(&wrong, 0)), ErrorCode::TokenInvalid);
        }
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims("alo-chat").to_string())
        );
        assert_eq!(code(tokens.verify(&unsigned, 0)), ErrorCode::TokenInvalid);
    }

    #[test]
    fn a_secret_is_replaced_without_logging_anyone_out() {
        let listed = |kids: &[&str]| {
            let secrets = kids
                .iter()
                .map(|kid| serde_json::json!({"kid": kid, "secret": format!("{kid:0>32}")}));
            let text = serde_json::json!({"jwtSecrets": secrets.collect::<Vec<_>>()}).to_string();
            KeysFile::parse(text.as_bytes()).unwrap()
        };
        let keys = |secret: Option<&[u8]>, kids: &[&str]| {
            Keys::new(Some("key"), secret, &listed(kids)).unwrap()
        };
        let tokens = Tokens::new("key", b"secret");
        let asked = request(1, "ada", &["a"]);
        let first = tokens.issue(&asked, 0, ID);
        // A secret with an id signs from now on; that of the flag still verifies.
        tokens.replace(keys(Some(b"secret"), &["new"]));
        let second = tokens.issue(&asked, 0, ID);
        assert!(tokens.verify(&first, 0).is_ok() && tokens.verify(&second, 0).is_ok());
        tokens.replace(keys(None, &["newer", "new"]));
        let third = tokens.issue(&asked, 0, ID);
        assert_eq!(code(tokens.verify(&first, 0)), ErrorCode::TokenInvalid);
        assert!(tokens.verify(&second, 0).is_ok() && tokens.verify(&third, 0).is_ok());
        tokens.replace(keys(None, &["newer"]));
        assert_eq!(code(tokens.verify(&second, 0)), ErrorCode::TokenInvalid);
        assert!(tokens.verify(&third, 0).is_ok());
    }

    #[test]
    fn a_token_is_not_valid_before_its_time_or_with_extensions_nobody_knows() {
        let tokens = Tokens::new("key", b"secret");
        let key = EncodingKey::from_secret(b"secret");
        let sign = |header: &Header, more: serde_json::Value| {
            let mut claims = serde_json::json!({"aud": ["else", "alo-chat"], "sub": "ada", "exp": 600.5, "channels": ["a"]});
            claims
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            jsonwebtoken::encode(header, &claims, &key).unwrap()
        };
        let plain = Header::new(Algorithm::HS256);
        assert!(
            tokens
                .verify(&sign(&plain, serde_json::json!({})), 0)
                .is_ok()
        );
        let later = sign(&plain, serde_json::json!({"nbf": 100}));
        assert_eq!(code(tokens.verify(&later, 60_000)), ErrorCode::TokenInvalid);
        assert!(tokens.verify(&later, 70_000).is_ok());
        let mut critical = Header::new(Algorithm::HS256);
        critical.crit = Some(vec!["b64".into()]);
        let critical = sign(&critical, serde_json::json!({}));
        assert_eq!(code(tokens.verify(&critical, 0)), ErrorCode::TokenInvalid);
        for odd in [
            serde_json::json!({"sub": ""}),
            serde_json::json!({"sub": "a\nb"}),
            serde_json::json!({"exp": "600"}),
            serde_json::json!({"exp": null}),
            serde_json::json!({"channels": "a"}),
            serde_json::json!({"jti": "x".repeat(300)}),
        ] {
            assert_eq!(
                code(tokens.verify(&sign(&plain, odd), 0)),
                ErrorCode::TokenInvalid
            );
        }
        let past = sign(&plain, serde_json::json!({"exp": 0.0}));
        assert_eq!(code(tokens.verify(&past, 0)), ErrorCode::TokenExpired);
        let odd = sign(&plain, serde_json::json!({"exp": -1.0}));
        assert_eq!(code(tokens.verify(&odd, 0)), ErrorCode::TokenInvalid);
        let far = sign(&plain, serde_json::json!({"exp": 1e300}));
        assert_eq!(code(tokens.verify(&far, 0)), ErrorCode::TokenInvalid);
    }
}
