//! Who a caller is: tokens of users, and API keys of the app's servers.

mod claims;
mod fetch;
mod issuer;
mod jwks;
mod keys;
mod request;
mod source;
mod tokens;

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, UserId};

use crate::{
    access::{Access, Concern, Holder, until_refused},
    store::LogId,
};

pub use fetch::{JwksUrl, Pace};
pub use issuer::Issuer;
pub use jwks::{KeySet, KeySetError};
pub use keys::{Keys, KeysError, KeysFile, Right};
pub use request::{check_auth_request, check_user_id};
pub use source::{KeyFlags, KeySource, SourceError};
pub use tokens::Tokens;

/// The user and rights of a token. Cheap to clone.
#[derive(Clone, Debug)]
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
    /// What is revoked.
    access: Arc<Access>,
    /// The version of it that this was checked against.
    checked: u64,
}

impl Identity {
    /// Whether the user may read a channel.
    ///
    /// # Errors
    /// `channel-forbidden`, naming the channel, when the token was not made for it, or it is revoked;
    /// `user-banned`.
    pub fn authorize(&self, channel: &ChannelId, now_ms: u64) -> Result<(), ErrorBody> {
        if self.channels.contains(channel) {
            self.access
                .judge(|view| view.read(self.holder(), channel, now_ms))
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

    /// Whether the user may subscribe to a log: the own one is open to every accepted token.
    ///
    /// # Errors
    /// Those of [`Identity::authorize`], and `token-revoked`.
    pub fn authorize_log(&self, id: &ChannelId, now_ms: u64) -> Result<(), ErrorBody> {
        if id.is_own() {
            self.check(now_ms)
        } else {
            self.authorize(id, now_ms)
        }
    }

    /// The log that a subscription of this user names.
    pub fn log(&self, id: &ChannelId) -> LogId {
        if id.is_own() {
            LogId::User(self.user())
        } else {
            LogId::Channel(id.clone())
        }
    }

    /// The name by which this user subscribes to a log, unless it is another user's own.
    pub fn name<'a>(&self, log: &'a LogId) -> Option<Cow<'a, ChannelId>> {
        match log {
            LogId::Channel(id) => Some(Cow::Borrowed(id)),
            LogId::User(user) => {
                (*user.as_str() == *self.user_id).then(|| Cow::Owned(ChannelId::own()))
            }
        }
    }

    /// The user.
    pub fn user(&self) -> UserId {
        // A token without a valid one is refused.
        self.user_id.parse().expect("a token names a user")
    }

    /// Whether the user may send in a channel, and upload files for it.
    ///
    /// # Errors
    /// Those of [`Identity::authorize`], and `user-muted`.
    pub fn authorize_send(&self, channel: &ChannelId, now_ms: u64) -> Result<(), ErrorBody> {
        self.authorize(channel, now_ms)?;
        self.access
            .judge(|view| view.send(self.holder(), channel, now_ms))
    }

    /// Whether the token is accepted still.
    ///
    /// # Errors
    /// `token-revoked`
    pub fn check(&self, now_ms: u64) -> Result<(), ErrorBody> {
        self.access.judge(|view| view.token(self.holder(), now_ms))
    }

    /// What may have been restricted of what is done with this token since the last time this was asked.
    pub fn concern(&mut self) -> Option<Concern> {
        let (version, concern) = self
            .access
            .judge(|view| (view.version(), view.concerns(self.holder(), self.checked)));
        self.checked = version;
        concern
    }

    fn holder(&self) -> Holder<'_> {
        Holder {
            user_id: &self.user_id,
            channels: &self.channels,
            issued_at_ms: self.issued_at_ms,
            token_id: self.token_id.as_ref(),
        }
    }

    /// Ends when the user may no longer read the channel, or with `sends` no longer send in it, with the reason.
    /// `now_ms` is the wall clock.
    pub(crate) async fn refused(
        &self,
        channel: &ChannelId,
        sends: bool,
        now_ms: impl Fn() -> u64,
    ) -> ErrorBody {
        let check = || {
            let now_ms = now_ms();
            self.check(now_ms)?;
            if sends {
                self.authorize_send(channel, now_ms)
            } else {
                self.authorize(channel, now_ms)
            }
        };
        until_refused(&self.access, check).await
    }
}

/// The error of a token that is not accepted, with the reason.
fn refused(reason: &str) -> ErrorBody {
    let message = format!("the token is not accepted: {reason}");
    ErrorBody::new(ErrorCode::TokenInvalid, message)
}
