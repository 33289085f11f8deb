//! Who a caller is: tokens of users, and API keys of the app's servers.

mod request;
mod tokens;

use std::{collections::BTreeSet, sync::Arc};

use alo_protocol::{ChannelId, ErrorBody, ErrorCode};

pub use request::{check_auth_request, check_user_id};
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
