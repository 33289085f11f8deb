//! All restrictions, and what follows from them for a user.

// Deterministic: no clock, no randomness, no iteration order that differs between runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use alo_protocol::{ChannelId, ErrorBody, ErrorCode};

/// What is restricted. There is one restriction of each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// All tokens of a user that were issued up to the revocation.
    User(Arc<str>),
    /// The token of this id.
    Token(Arc<str>),
    /// A channel, for all users and all tokens.
    Channel(ChannelId),
    /// A channel, in a user's tokens that were issued up to the revocation.
    Member(ChannelId, Arc<str>),
    /// A user may neither read nor send in a channel.
    Ban(ChannelId, Arc<str>),
    /// A user may not send in a channel.
    Mute(ChannelId, Arc<str>),
}

impl Target {
    /// The user it is about, if it names one.
    pub const fn user(&self) -> Option<&Arc<str>> {
        match self {
            Self::User(user) | Self::Member(_, user) | Self::Ban(_, user) | Self::Mute(_, user) => {
                Some(user)
            }
            Self::Token(_) | Self::Channel(_) => None,
        }
    }

    /// The id of the token it is about, if it names one.
    pub const fn token(&self) -> Option<&Arc<str>> {
        match self {
            Self::Token(token) => Some(token),
            Self::User(_)
            | Self::Channel(_)
            | Self::Member(..)
            | Self::Ban(..)
            | Self::Mute(..) => None,
        }
    }

    /// The channel it is about, if it names one.
    pub const fn channel(&self) -> Option<&ChannelId> {
        match self {
            Self::Channel(channel)
            | Self::Member(channel, _)
            | Self::Ban(channel, _)
            | Self::Mute(channel, _) => Some(channel),
            Self::User(_) | Self::Token(_) => None,
        }
    }
}

/// A restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// What is restricted.
    pub target: Target,
    /// Since when, Unix milliseconds.
    pub since_ms: u64,
    /// Until when; none is for ever.
    pub until_ms: Option<u64>,
    /// Why, as the user is shown it.
    pub reason: Option<String>,
}

impl Restriction {
    /// Whether it has not ended.
    pub fn is_active(&self, now_ms: u64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }

    /// What the user is shown, after `what` is restricted.
    fn message(&self, what: &str) -> String {
        let mut message = what.to_owned();
        if let Some(until_ms) = self.until_ms {
            let until = UNIX_EPOCH + Duration::from_millis(until_ms.min(Self::LATEST_MS));
            message += &format!(" until {}", httpdate::fmt_http_date(until));
        }
        if let Some(reason) = &self.reason {
            message += &format!(": {reason}");
        }
        message
    }

    /// The last moment that can be named: the end of the year 9999.
    pub const LATEST_MS: u64 = 253_402_300_799_000;
}

/// Who holds a token, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The user.
    pub user_id: &'a Arc<str>,
    /// The channels the token permits.
    pub channels: &'a BTreeSet<ChannelId>,
    /// When it was issued, Unix milliseconds.
    pub issued_at_ms: u64,
    /// Its `jti`.
    pub token_id: Option<&'a Arc<str>>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct View {
    restrictions: BTreeMap<Target, (Restriction, u64)>,
    /// What was restricted at which version.
    order: BTreeMap<u64, Target>,
    version: u64,
}

/// What a restriction may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Changes that wait.
    Sending,
    /// And reading.
    Reading,
}

impl View {
    /// Raised with each change.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Adds a restriction, or replaces the one of the same target.
    pub fn put(&mut self, restriction: Restriction) {
        let target = restriction.target.clone();
        self.remove(&target);
        self.order.insert(self.version, target.clone());
        self.restrictions
            .insert(target, (restriction, self.version));
    }

    /// Ends a restriction.
    pub fn remove(&mut self, target: &Target) {
        self.version += 1;
        if let Some((_, version)) = self.restrictions.remove(target) {
            self.order.remove(&version);
        }
    }

    /// Forgets what has ended.
    pub fn expire(&mut self, now_ms: u64) {
        let over = self.active(0).filter(|one| !one.is_active(now_ms));
        let over: Vec<_> = over.map(|one| one.target.clone()).collect();
        for target in over {
            self.remove(&target);
        }
    }

    /// What has not ended, in the order of the targets.
    pub fn active(&self, now_ms: u64) -> impl Iterator<Item = &Restriction> {
        let all = self
            .restrictions
            .values()
            .map(|(restriction, _)| restriction);
        all.filter(move |restriction| restriction.is_active(now_ms))
    }

    /// What the restrictions that were added after this version may end of what the token's connection does.
    pub fn concerns(&self, holder: Holder<'_>, after: u64) -> Option<Concern> {
        let is_mine = |user: &Arc<str>| user == holder.user_id;
        let concern = |target: &Target| {
            let (is_concerned, concern) = match target {
                Target::User(user) => (is_mine(user), Concern::Reading),
                Target::Token(token) => (holder.token_id == Some(token), Concern::Reading),
                Target::Channel(channel) => (holder.channels.contains(channel), Concern::Reading),
                Target::Member(channel, user) | Target::Ban(channel, user) => (
                    is_mine(user) && holder.channels.contains(channel),
                    Concern::Reading,
                ),
                Target::Mute(channel, user) => (
                    is_mine(user) && holder.channels.contains(channel),
                    Concern::Sending,
                ),
            };
            is_concerned.then_some(concern)
        };
        let new = self.order.range(after + 1..);
        new.filter_map(|(_, target)| concern(target)).max()
    }

    /// Whether the token itself is accepted.
    ///
    /// # Errors
    /// `token-revoked`
    pub fn token(&self, holder: Holder<'_>, now_ms: u64) -> Result<(), ErrorBody> {
        let by_id = holder.token_id.cloned().map(Target::Token);
        let by_id = by_id.and_then(|target| self.find(&target, now_ms));
        let by_user = self.find(&Target::User(holder.user_id.clone()), now_ms);
        let by_user = by_user.filter(|revocation| is_older(holder, revocation));
        match by_id.or(by_user) {
            Some(revocation) => Err(ErrorBody::new(
                ErrorCode::TokenRevoked,
                revocation.message("the token is revoked"),
            )),
            None => Ok(()),
        }
    }

    /// Whether the user may read a channel that the token permits.
    ///
    /// # Errors
    /// `channel-forbidden` or `user-banned`, naming until when.
    pub fn read(
        &self,
        holder: Holder<'_>,
        channel: &ChannelId,
        now_ms: u64,
    ) -> Result<(), ErrorBody> {
        if self.restrictions.is_empty() {
            return Ok(());
        }
        let user = || holder.user_id.clone();
        let of_all = self.find(&Target::Channel(channel.clone()), now_ms);
        let of_user = self.find(&Target::Member(channel.clone(), user()), now_ms);
        let of_user = of_user.filter(|revocation| is_older(holder, revocation));
        if let Some(revocation) = of_all.or(of_user) {
            let what = format!("channelId: channel {:?} is revoked", channel.as_str());
            let message = revocation.message(&what);
            return Err(ErrorBody::new(ErrorCode::ChannelForbidden, message));
        }
        match self.find(&Target::Ban(channel.clone(), user()), now_ms) {
            Some(ban) => {
                let what = format!("the user is banned from channel {:?}", channel.as_str());
                Err(ErrorBody::new(ErrorCode::UserBanned, ban.message(&what)))
            }
            None => Ok(()),
        }
    }

    /// Whether the user may send in a channel that may be read.
    ///
    /// # Errors
    /// `user-muted`, naming until when.
    pub fn send(
        &self,
        holder: Holder<'_>,
        channel: &ChannelId,
        now_ms: u64,
    ) -> Result<(), ErrorBody> {
        if self.restrictions.is_empty() {
            return Ok(());
        }
        let target = Target::Mute(channel.clone(), holder.user_id.clone());
        match self.find(&target, now_ms) {
            Some(mute) => {
                let what = format!("the user is muted in channel {:?}", channel.as_str());
                Err(ErrorBody::new(ErrorCode::UserMuted, mute.message(&what)))
            }
            None => Ok(()),
        }
    }

    fn find(&self, target: &Target, now_ms: u64) -> Option<&Restriction> {
        let (restriction, _) = self.restrictions.get(target)?;
        restriction.is_active(now_ms).then_some(restriction)
    }
}

/// Whether a token was issued up to the revocation. One that names whole seconds counts as issued at their begin.
fn is_older(holder: Holder<'_>, revocation: &Restriction) -> bool {
    holder.issued_at_ms <= revocation.since_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(view: &mut View, target: Target, until_ms: Option<u64>) {
        view.put(Restriction {
            target,
            since_ms: 1_000,
            until_ms,
            reason: None,
        });
    }

    #[test]
    fn a_revocation_of_a_user_spares_tokens_issued_later_and_ends() {
        let (user, channels) = ("ada".into(), BTreeSet::from(["a".parse().unwrap()]));
        let mut holder = Holder {
            user_id: &user,
            channels: &channels,
            issued_at_ms: 1_000,
            token_id: None,
        };
        let channel = "a".parse().unwrap();
        let mut view = View::default();
        put(&mut view, Target::User("ada".into()), Some(5_000));
        put(
            &mut view,
            Target::Member("a".parse().unwrap(), "ada".into()),
            None,
        );
        let code = |result: Result<(), ErrorBody>| result.err().map(|error| error.code);
        assert_eq!(
            code(view.token(holder, 4_999)),
            Some(ErrorCode::TokenRevoked)
        );
        assert_eq!(code(view.token(holder, 5_000)), None);
        let forbidden = Some(ErrorCode::ChannelForbidden);
        assert_eq!(code(view.read(holder, &channel, 9_000)), forbidden);
        holder.issued_at_ms = 1_001;
        assert_eq!(code(view.token(holder, 4_999)), None);
        assert_eq!(code(view.read(holder, &channel, 9_000)), None);
        put(&mut view, Target::Channel("a".parse().unwrap()), None);
        assert_eq!(code(view.read(holder, &channel, 9_000)), forbidden);
        view.remove(&Target::Channel("a".parse().unwrap()));
        put(
            &mut view,
            Target::Ban("a".parse().unwrap(), "ada".into()),
            None,
        );
        assert_eq!(
            code(view.read(holder, &channel, 9_000)),
            Some(ErrorCode::UserBanned)
        );
    }

    #[test]
    fn what_was_added_concerns_those_it_names() {
        use Concern::{Reading, Sending};
        let (user, token) = ("ada".into(), "t".into());
        let channels = BTreeSet::from(["a".parse().unwrap()]);
        let holder = Holder {
            user_id: &user,
            channels: &channels,
            issued_at_ms: 0,
            token_id: Some(&token),
        };
        let of = |channel: &str| channel.parse::<ChannelId>().unwrap();
        for (target, concerns) in [
            (Target::User("ada".into()), Some(Reading)),
            (Target::User("bob".into()), None),
            (Target::Token("t".into()), Some(Reading)),
            (Target::Token("u".into()), None),
            (Target::Channel(of("a")), Some(Reading)),
            (Target::Channel(of("b")), None),
            (Target::Member(of("a"), "ada".into()), Some(Reading)),
            (Target::Ban(of("a"), "ada".into()), Some(Reading)),
            (Target::Ban(of("a"), "bob".into()), None),
            (Target::Ban(of("b"), "ada".into()), None),
            (Target::Mute(of("a"), "ada".into()), Some(Sending)),
            (Target::Mute(of("a"), "bob".into()), None),
        ] {
            let mut view = View::default();
            put(&mut view, Target::User("eve".into()), None);
            let before = view.version();
            put(&mut view, target.clone(), Some(2_000));
            assert_eq!(view.concerns(holder, before), concerns, "{target:?}");
            assert_eq!(view.concerns(holder, view.version()), None);
            // Restricted again, it is news again.
            put(&mut view, target.clone(), None);
            assert_eq!(view.concerns(holder, before + 1), concerns);
            view.put(Restriction {
                target,
                since_ms: 0,
                until_ms: Some(3_000),
                reason: None,
            });
            view.expire(3_000);
            assert_eq!(view.active(0).count(), 1);
            assert_eq!(view.concerns(holder, 0), None);
        }
    }
}
