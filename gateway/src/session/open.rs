//! The state of an accepted connection: its user, its subscriptions, and what it waits for.

use std::{collections::BTreeMap, sync::Arc};

use alo_protocol::{ChannelId, Cursor, ErrorBody, Recovery};

use super::{
    catch_up::CatchUp,
    io::Op,
    requests::Requests,
    subscription::{Subscription, Verdict},
};
use crate::{
    auth::Identity,
    bus::{News, Signal},
    live::Who,
    methods::subscribe::Wanted,
};

/// What is refused, each with the reason.
type Refused<T> = Vec<(T, ErrorBody)>;

/// See the module.
pub(super) struct Open {
    pub(super) identity: Identity,
    pub(super) who: Who,
    /// Whether it has ever typed.
    pub(super) types: bool,
    pub(super) subscriptions: BTreeMap<ChannelId, Subscription>,
    pub(super) requests: Requests,
    pub(super) catch_up: CatchUp,
}

impl Open {
    pub(super) fn new(identity: Identity, device: Arc<str>) -> Self {
        Self {
            who: Who {
                user: identity.user_id.clone(),
                device,
            },
            types: false,
            identity,
            subscriptions: BTreeMap::new(),
            requests: Requests::default(),
            catch_up: CatchUp::new(),
        }
    }

    /// Adds subscriptions for the channels that have none and may be read; they wait for the heads that `op`
    /// requests. Returns which to join.
    pub(super) fn join(&mut self, op: Op, wanted: &[Wanted]) -> Vec<ChannelId> {
        let mut new = Vec::new();
        for id in wanted.iter().filter_map(Wanted::permitted) {
            if !self.subscriptions.contains_key(id) {
                self.subscriptions
                    .insert(id.clone(), Subscription::starting(op));
                new.push(id.clone());
            }
        }
        new
    }

    /// Starts the subscriptions that waited for this operation, and returns where each channel starts.
    ///
    /// `heads` are those of the channels that could be read when it was asked for.
    pub(super) fn start(
        &mut self,
        op: Op,
        wall_ms: u64,
        wanted: Vec<Wanted>,
        heads: Vec<Cursor>,
    ) -> Vec<Recovery> {
        // One may start behind the head.
        self.catch_up.behind();
        let mut heads = heads.into_iter();
        let mut recoveries = Vec::new();
        for Wanted { start, refused } in wanted {
            let mut recovery = Recovery {
                id: start.id,
                cursor: None,
                gap: None,
                error: refused,
            };
            if recovery.error.is_none() {
                recovery.cursor = heads.next();
                // Revoked in the meantime: the subscription ends with the notice of it.
                recovery.error = self.identity.authorize_log(&recovery.id, wall_ms).err();
            }
            if recovery.error.is_some() {
                recovery.cursor = None;
            }
            if let Some(head) = &recovery.cursor
                && let Some(subscription) = self.subscriptions.get_mut(&recovery.id)
            {
                if subscription.awaits(op) {
                    recovery.gap = subscription.start(start.cursor.as_ref(), head.clone());
                } else if subscription.is_started()
                    && let Some(cursor) = &start.cursor
                {
                    recovery.gap = subscription.restart(cursor, head.clone());
                }
                if subscription.is_started() {
                    recovery.cursor = Some(subscription.cursor());
                }
            }
            recoveries.push(recovery);
        }
        recoveries
    }

    /// The heads that `op` requested could not be read. Returns which channels to leave: those that no other
    /// subscribe waits for.
    pub(super) fn start_failed(&mut self, op: Op, wanted: Vec<Wanted>) -> Vec<ChannelId> {
        let mut left = Vec::new();
        for Wanted { start, .. } in wanted {
            let id = start.id;
            let later = self.requests.later_subscribe(op, &id);
            let Some(subscription) = self
                .subscriptions
                .get_mut(&id)
                .filter(|subscription| subscription.awaits(op))
            else {
                continue;
            };
            match later {
                Some(later) => subscription.wait_for(later),
                None => {
                    self.subscriptions.remove(&id);
                    left.push(id);
                }
            }
        }
        left
    }

    /// Takes news of the bus; true means that its event is to be sent now. `has_room`: whether the connection's
    /// queue has room.
    pub(super) fn take(&mut self, news: &News, has_room: bool) -> bool {
        let who = &self.who;
        let Some(subscription) = self
            .identity
            .name(news.log())
            .and_then(|name| self.subscriptions.get_mut(&*name))
        else {
            return false;
        };
        let (is_sent, is_behind) = match news {
            News::Event(event) => match subscription.published(event, has_room) {
                Verdict::Send => (true, false),
                Verdict::Skip => (false, true),
            },
            News::Head(head) => (false, subscription.hinted(head.seq)),
            News::Signal(signal) => (
                has_room && subscription.is_started() && !is_from(signal, who),
                false,
            ),
        };
        if is_behind {
            self.catch_up.behind();
        }
        is_sent
    }

    /// Ends what the user may no longer read; returns the channels that were left, and the requests that are
    /// refused, each with the reason.
    pub(super) fn forbid(&mut self, wall_ms: u64) -> (Refused<ChannelId>, Refused<u64>) {
        let identity = &self.identity;
        let error = |id: &ChannelId| identity.authorize_log(id, wall_ms).err();
        let channels = self.subscriptions.keys();
        let left: Vec<_> = channels
            .filter_map(|id| Some((id.clone(), error(id)?)))
            .collect();
        for (id, _) in &left {
            self.subscriptions.remove(id);
        }
        let change_error = |channel: &ChannelId| identity.authorize_send(channel, wall_ms).err();
        (left, self.requests.forbid(error, change_error))
    }

    /// How many channels are subscribed.
    pub(super) fn channels(&self) -> usize {
        let own = self.subscriptions.first_key_value();
        self.subscriptions.len() - usize::from(own.is_some_and(|(id, _)| id.is_own()))
    }

    /// The bus dropped news.
    pub(super) fn lagged(&mut self) {
        self.subscriptions
            .values_mut()
            .for_each(Subscription::lagged);
        self.catch_up.behind();
    }
}

/// Whether the signal is not for this device.
fn is_from(signal: &Signal, who: &Who) -> bool {
    let except = signal.except.as_ref();
    except.is_some_and(|(user, device)| *user == who.user && *device == who.device)
}
