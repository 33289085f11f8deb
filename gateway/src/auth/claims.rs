//! What a token says.

use std::{collections::BTreeSet, sync::Arc};

use alo_protocol::{ChannelId, ErrorBody, ErrorCode};
use serde::{Deserialize, Serialize};

use crate::access::{Access, View};

use super::{
    Identity, refused,
    request::{CHANNELS, check_user_id},
};

/// How far an issuer's clock may be ahead of this one, milliseconds.
const AHEAD_MS: u64 = 30_000;
/// Maximum length of a token's id, bytes.
const TOKEN_ID_BYTES: usize = 256;

/// The claims that are used. Issuer and audience are checked with the signature. Times are seconds since 1970,
/// whole or not (RFC 7519, 2).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) iat: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) jti: Option<String>,
    pub(super) channels: BTreeSet<ChannelId>,
}

impl Claims {
    /// The identity of a token whose signature is right.
    ///
    /// # Errors
    /// `token-revoked`, `token-expired` from its last second on, `token-invalid` before it is valid, or for any other fault.
    pub(super) fn identity(self, now_ms: u64, access: &Arc<Access>) -> Result<Identity, ErrorBody> {
        let expires_at_ms = ms(self.exp);
        if now_ms >= expires_at_ms {
            let message = "the token has expired";
            return Err(ErrorBody::new(ErrorCode::TokenExpired, message));
        }
        if self
            .nbf
            .is_some_and(|nbf| ms(nbf) > now_ms.saturating_add(AHEAD_MS))
        {
            return Err(refused("it is not valid yet"));
        }
        if check_user_id("sub", &self.sub).is_err() {
            return Err(refused("its subject is no user id"));
        }
        if self.channels.len() > CHANNELS {
            return Err(refused("it has too many channels"));
        }
        if self
            .jti
            .as_ref()
            .is_some_and(|jti| jti.len() > TOKEN_ID_BYTES)
        {
            return Err(refused("its id is too long"));
        }
        // Before it is checked, so that no later revocation is missed.
        let checked = access.judge(View::version);
        let identity = Identity {
            user_id: self.sub.into(),
            channels: Arc::new(self.channels),
            expires_at_ms,
            issued_at_ms: self.iat.map_or(0, ms),
            token_id: self.jti.map(Into::into),
            access: access.clone(),
            checked,
        };
        identity.check(now_ms)?;
        Ok(identity)
    }
}

/// Milliseconds of a time in seconds.
fn ms(seconds: f64) -> u64 {
    // Negative numbers become 0, enormous ones the largest there is.
    (seconds * 1_000.0).round() as u64
}
