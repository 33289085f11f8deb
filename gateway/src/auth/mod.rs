//! Who a caller is: tokens of users, and API keys of the app's servers.

mod claims;
mod fetch;
mod issuer;
mod jwks;
mod keys;
mod request;
mod source;
mod tokens;

use std::{collections::BTreeSet, sync::Arc};

use alo_protocol::{ChannelId, ErrorBody, ErrorCode};

pub use fetch::{JwksUrl, Pace};
pub use issuer::Issuer;
pub use jwks::{KeySet, KeySetError};
pub use keys::{Keys, KeysError, KeysFile, Right};
pub use request::{check_auth_request, check_user_id};
pub use source::{KeyFlags, KeySource, SourceError};
pub use tokens::Tokens;

/// The user and rights of a token. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The app's id of the user.
    pub user_id: Arc<str>,
    /// The channels the token permits.
    pub channels: Arc<BTreeSet<ChannelId>>,
    /// When the token expires, Unix milliseconds.
    pub expires_at_ms: u64,
    /// When it was issued, Unix milliseconds; 0 if it does not say.
    pub issued_at_ms: u64,
    /// Its `jti`.
    pub token_id: Option<Arc<str>>,
}

impl Identity {
    /// # Errors
    /// `channel-forbidden`, naming the channel, when the token was not made for it.
    pub fn authorize(&self, channel: &ChannelId) -> Result<(), ErrorBody> {
        if self.channels.contains(channel) {
            Ok(())
        } else {
            Err(ErrorBody::new(
                ErrorCode::ChannelForbidden,
                format!(
                    "channelId: the token was not made for channel {:?}",
                    channel.as_str()
                ),
            ))
        }
    }
}

/// The error of a token that is not accepted, with the reason.
fn refused(reason: &str) -> ErrorBody {
    let message = format!("the token is not accepted: {reason}");
    ErrorBody::new(ErrorCode::TokenInvalid, message)
}
