//! Creates and checks tokens, and checks API keys.

use std::{collections::BTreeSet, fmt, sync::Arc};

use alo_protocol::{AuthRequest, ChannelId, ErrorBody, ErrorCode};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::Identity;

const AUDIENCE: &str = "alo-chat";

/// Creates and checks tokens, and checks the API key.
pub struct Tokens {
    api_key: Box<[u8]>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    channels: BTreeSet<ChannelId>,
}

impl Tokens {
    /// With the platform's API key and the secret that signs tokens.
    pub fn new(api_key: &str, jwt_secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["aud", "exp"]);
        // Time is an argument here: `verify` checks it against the caller's clock.
        validation.validate_exp = false;
        Self {
            api_key: api_key.as_bytes().into(),
            encoding: EncodingKey::from_secret(jwt_secret),
            decoding: DecodingKey::from_secret(jwt_secret),
            validation,
        }
    }

    /// A token for `request`, which [`super::check_auth_request`] has accepted.
    pub fn issue(&self, request: &AuthRequest, now_ms: u64) -> String {
        let now = now_ms / 1_000;
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            sub: request.user.id.clone(),
            iat: now,
            exp: now + u64::from(request.ttl) * 60,
            channels: request.channel_ids.iter().cloned().collect(),
        };
        // HMAC takes keys of any length and the claims are strings and numbers: nothing can fail.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .expect("HS256 signs any claims")
    }

    /// The user and rights of a token.
    ///
    /// # Errors
    /// `token-expired` from its last second on, `token-invalid` for any other fault.
    pub fn verify(&self, token: &str, now_ms: u64) -> Result<Identity, ErrorBody> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| ErrorBody::new(ErrorCode::TokenInvalid, "the token is not valid here"))?
            .claims;
        let expires_at_ms = claims.exp.saturating_mul(1_000);
        if now_ms >= expires_at_ms {
            return Err(ErrorBody::new(
                ErrorCode::TokenExpired,
                "the token has expired",
            ));
        }
        Ok(Identity {
            user_id: claims.sub.into(),
            channels: Arc::new(claims.channels),
            expires_at_ms,
        })
    }

    /// # Errors
    /// `token-invalid` unless `key` is the API key; the time it takes reveals nothing about the key.
    pub fn check_api_key(&self, key: &str) -> Result<(), ErrorBody> {
        if bool::from(self.api_key.ct_eq(key.as_bytes())) {
            Ok(())
        } else {
            Err(ErrorBody::new(
                ErrorCode::TokenInvalid,
                "the API key is not accepted",
            ))
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens") // Secrets are not shown.
    }
}

#[cfg(test)]
mod tests {
    use alo_protocol::AuthUser;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

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
        let token = tokens.issue(&request(1, "ada", &["a", "b"]), 5_999);
        let identity = tokens.verify(&token, 64_999).unwrap();
        assert_eq!(&*identity.user_id, "ada");
        assert_eq!(identity.expires_at_ms, 65_000);
        assert!(identity.authorize(&"b".parse().unwrap()).is_ok());
        let forbidden = identity.authorize(&"c".parse().unwrap()).unwrap_err();
        assert_eq!(forbidden.code, ErrorCode::ChannelForbidden);
        assert!(forbidden.message.contains("\"c\""));
        assert_eq!(code(tokens.verify(&token, 65_000)), ErrorCode::TokenExpired);
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let tokens = Tokens::new("key", b"secret");
        let other = Tokens::new("key", b"other").issue(&request(1, "ada", &["a"]), 0);
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
    fn the_api_key_must_be_whole() {
        let tokens = Tokens::new("key", b"secret");
        assert!(tokens.check_api_key("key").is_ok());
        for wrong in ["", "ke", "keyy", "KEY"] {
            assert!(tokens.check_api_key(wrong).is_err());
        }
    }
}
