//! What users may no longer do: revoked, banned and muted at random, and lifted.

use std::{collections::BTreeSet, sync::Arc};

use alo_gateway::{
    access::{AccessRecords, Restriction, Target},
    auth::Tokens,
};
use alo_protocol::ChannelId;
use serde_json::Value;

use crate::{
    gateway::{self, SECRET},
    network::LinkId,
    oracle::{Tag, Verdict},
    world::{Event, World},
};

const WHY: &str = "SQLite is in memory";
/// How long after the answer events may still be sent to who may not read them, milliseconds.
const PUSHED_MS: u64 = 1_000;
/// How long after the answer a message that arrived before may still be accepted, milliseconds.
const ACCEPTED_MS: u64 = 5_000;

// What the app's server does.
impl World {
    /// Restricts somebody for a while.
    pub(crate) fn restrict_someone(&mut self) {
        if !self.gateway.up {
            return;
        }
        let index = self.rng.usize(..self.clients.len());
        let user: Arc<str> = self.clients[index].user.as_str().into();
        let channels = self.channels();
        let channel = channels[self.rng.usize(..channels.len())].clone();
        let target = match self.rng.u8(..8) {
            0 => Target::User(user),
            1 => Target::Channel(channel),
            2 | 3 => Target::Member(channel, user),
            4 | 5 => Target::Ban(channel, user),
            _ => Target::Mute(channel, user),
        };
        let until_ms = self.unix_ms() + self.rng.u64(2_000..90_000);
        self.restrict(target, Some(until_ms));
    }

    /// Restricts: what follows from it is durable and in force.
    pub fn restrict(&mut self, target: Target, until_ms: Option<u64>) {
        self.counts.add(match &target {
            Target::User(_) | Target::Token(_) => "restrictions: user revoked",
            Target::Channel(_) => "restrictions: channel revoked",
            Target::Member(..) => "restrictions: channel revoked for a user",
            Target::Ban(..) => "restrictions: ban",
            Target::Mute(..) => "restrictions: mute",
        });
        let now_ms = self.unix_ms();
        let restriction = Restriction {
            target,
            since_ms: now_ms,
            until_ms,
            reason: None,
        };
        self.note(|| format!("{restriction:?} is in force"));
        let stored = self.gateway.store.access().expect(WHY);
        if let Err(error) = stored.restrict(&restriction, now_ms) {
            return self.violate(format!("a restriction cannot be stored: {error:?}"));
        }
        let access = self.gateway.tokens.access();
        access.expire(now_ms);
        access.put(restriction.clone());
        let (users, channels) = (
            self.clients.iter().map(|client| client.user.clone()),
            self.channels(),
        );
        let users: Vec<_> = users.collect();
        self.oracle
            .access
            .put(restriction, (now_ms, self.now), &users, &channels);
        let asked = self.asked_to_send();
        self.refuse_silenced(&asked);
        let boot = self.gateway.boot;
        for link in self.open_links() {
            let delay = self.rng.u64(..20);
            let event = gateway::Event::Access(link, boot);
            self.schedule(delay, Event::Gateway(event));
        }
    }

    /// Of these messages those whose sender is restricted may be refused, and stored later if the refusal is lost.
    pub(crate) fn refuse_silenced(&mut self, asked: &[(ChannelId, Tag)]) {
        let at = (self.unix_ms(), u64::MAX);
        for (channel, tag) in asked {
            let Some(client) = self.clients.get(tag.page.client) else {
                continue;
            };
            let access = &self.oracle.access;
            let restricted = access.restricts(&client.user, channel.as_str(), 0, at);
            if restricted
                .or_else(|| access.silences(&client.user, channel, at))
                .is_some()
            {
                self.oracle.sends.refused(*tag);
            }
        }
    }

    /// Nothing is restricted any more.
    pub(crate) fn lift_restrictions(&mut self) {
        let stored = self.gateway.store.access().expect(WHY);
        for (restriction, _) in std::mem::take(&mut self.oracle.access.active) {
            if let Err(error) = stored.release(&restriction.target) {
                return self.violate(format!("a restriction cannot be lifted: {error:?}"));
            }
            self.gateway.tokens.access().remove(&restriction.target);
        }
    }
}

// At the gateway.
impl World {
    /// A process loads what its database holds. `same`: it is the one that the process before it had.
    pub(crate) fn load_restrictions(&mut self, same: bool) {
        let stored = self.gateway.store.access().expect(WHY).restrictions();
        let stored = stored.expect(WHY);
        self.gateway.tokens = Arc::new(Tokens::new("key", SECRET));
        for restriction in &stored {
            self.gateway.tokens.access().put(restriction.clone());
        }
        let known = &mut self.oracle.access.active;
        if same {
            let mut expected: Vec<_> = known.iter().map(|(one, _)| one.clone()).collect();
            expected.sort_by(|one, other| one.target.cmp(&other.target));
            if expected != stored {
                self.violate(format!("{stored:?} is restricted instead of {expected:?}"));
            }
        } else {
            let now = self.now;
            *known = stored.into_iter().map(|one| (one, now)).collect();
        }
    }

    /// Whoever may not read a channel is sent none of its events.
    pub(crate) fn check_pushes(&mut self, id: LinkId, issued_ms: u64, text: &str) {
        if self.oracle.access.active.is_empty() {
            return;
        }
        let Some(page) = self.links.get(&id).map(|link| link.page) else {
            return;
        };
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return self.violate(format!("the gateway sends {text}"));
        };
        let alone = std::slice::from_ref(&frame);
        let items = frame.as_array().map_or(alone, Vec::as_slice);
        let (user, now_ms) = (self.clients[page.client].user.clone(), self.unix_ms());
        for item in items {
            let Some(channel) = item["channel"].as_str() else {
                continue;
            };
            let restricted = self.oracle.access.restricts(
                &user,
                channel,
                issued_ms,
                (now_ms, self.now.saturating_sub(PUSHED_MS)),
            );
            if let Some(restriction) = restricted {
                let message = format!("{page} is sent an event of {channel}: {restriction:?}");
                return self.violate(message);
            }
        }
    }

    /// Whoever may not send in a channel has no message accepted for it.
    pub(crate) fn check_accepted(&self, channel: &ChannelId, user: &str) -> Verdict {
        let at = (self.unix_ms(), self.now.saturating_sub(ACCEPTED_MS));
        match self.oracle.access.silences(user, channel, at) {
            Some(restriction) => Err(format!(
                "a message of {user} was accepted for {channel}: {restriction:?}"
            )),
            None => Ok(()),
        }
    }
}

/// What is restricted, and what ever was.
#[derive(Default)]
pub(crate) struct Accesses {
    /// Each with the time it was answered at.
    active: Vec<(Restriction, u64)>,
    unread: BTreeSet<(String, ChannelId)>,
    users: BTreeSet<String>,
}

impl Accesses {
    /// `now`: by the gateway's clock, and that of the world.
    fn put(
        &mut self,
        restriction: Restriction,
        now: (u64, u64),
        users: &[String],
        channels: &[ChannelId],
    ) {
        let target = restriction.target.clone();
        self.active
            .retain(|(one, _)| one.is_active(now.0) && one.target != target);
        self.active.push((restriction, now.1));
        for user in users {
            for channel in channels {
                let unread = match &target {
                    Target::User(whose) => &**whose == user,
                    Target::Channel(of) => of == channel,
                    Target::Member(of, whose) | Target::Ban(of, whose) => {
                        of == channel && &**whose == user
                    }
                    Target::Token(_) | Target::Mute(..) => false,
                };
                if unread {
                    self.unread.insert((user.clone(), channel.clone()));
                }
            }
            let concerns = match &target {
                Target::User(whose)
                | Target::Member(_, whose)
                | Target::Ban(_, whose)
                | Target::Mute(_, whose) => &**whose == user,
                Target::Channel(_) => true,
                Target::Token(_) => false,
            };
            if concerns {
                self.users.insert(user.clone());
            }
        }
    }

    /// Whether the user has ever been kept from reading the channel.
    pub(crate) fn was_unread(&self, user: &str, channel: &ChannelId) -> bool {
        self.unread.contains(&(user.to_owned(), channel.clone()))
    }

    /// Whether anything of the user was ever restricted.
    pub(crate) fn concerned(&self, user: &str) -> bool {
        self.users.contains(user)
    }

    /// What keeps a user with a token from reading, if it was answered before `at.1`.
    fn restricts(
        &self,
        user: &str,
        channel: &str,
        issued_ms: u64,
        at: (u64, u64),
    ) -> Option<&Restriction> {
        self.find(at, |one| {
            let is_older = issued_ms <= one.since_ms;
            match &one.target {
                Target::User(whose) => &**whose == user && is_older,
                Target::Channel(of) => of.as_str() == channel,
                Target::Member(of, whose) => of.as_str() == channel && &**whose == user && is_older,
                Target::Ban(of, whose) => of.as_str() == channel && &**whose == user,
                Target::Token(_) | Target::Mute(..) => false,
            }
        })
    }

    /// What keeps a user from sending, with any token, if it was answered before `at.1`.
    fn silences(&self, user: &str, channel: &ChannelId, at: (u64, u64)) -> Option<&Restriction> {
        self.find(at, |one| match &one.target {
            Target::Channel(of) => of == channel,
            Target::Ban(of, whose) | Target::Mute(of, whose) => of == channel && &**whose == user,
            Target::User(_) | Target::Token(_) | Target::Member(..) => false,
        })
    }

    fn find(
        &self,
        at: (u64, u64),
        restricts: impl Fn(&Restriction) -> bool,
    ) -> Option<&Restriction> {
        let active = self
            .active
            .iter()
            .filter(|(one, answered)| one.is_active(at.0) && *answered < at.1 && restricts(one));
        active.map(|(one, _)| one).next()
    }
}

/// The token that a frame of a client presents, if it does.
pub(crate) fn presented(text: &str) -> Option<String> {
    if !text.contains("\"token\"") {
        return None;
    }
    let frame: Value = serde_json::from_str(text).ok()?;
    let token = frame["hello"]["token"]
        .as_str()
        .or(frame["params"]["token"].as_str());
    token.map(str::to_owned)
}
