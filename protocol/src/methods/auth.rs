//! Renews the token of an open connection.

use serde::{Deserialize, Serialize};

/// Parameters of `auth.refresh`: a newer token of the same user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthRefresh {
    /// The JWT.
    pub token: String,
}

/// Result of `auth.refresh`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthRefreshed {
    /// Until the new token expires, milliseconds.
    pub token_expires_in_ms: u64,
}
