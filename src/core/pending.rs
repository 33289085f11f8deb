//! Pending subscriptions: subscribes and unsubscribes that are not confirmed yet, in the order of the calls.
//! After a reconnect they are sent again in that order, so the last call for a channel wins.

use alo_protocol::ChannelId;

use super::{CallId, Method, Settled};

/// An unconfirmed call.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) call: CallId,
    pub(super) kind: Kind,
    pub(super) channels: Vec<ChannelId>,
    /// Of these the channels left by a later call: the reply is out of date for them.
    left: Vec<ChannelId>,
    /// Whether it was sent on the present connection.
    pub(super) sent: bool,
}

/// Subscribe or unsubscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
}

impl Pending {
    pub(super) const fn new(call: CallId, kind: Kind, channels: Vec<ChannelId>) -> Self {
        Self {
            call,
            kind,
            channels,
            left: Vec::new(),
            sent: false,
        }
    }

    /// An upper bound of the request's size on the wire.
    pub(super) fn bytes(&self) -> u32 {
        let bytes = |channel: &ChannelId| channel.as_str().len() * 2 + 16;
        let all: usize = self.channels.iter().map(bytes).sum();
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// A later call leaves these channels.
    pub(super) fn leave(&mut self, channels: &[ChannelId]) {
        if self.kind == Kind::Subscribe {
            self.left.extend_from_slice(channels);
        }
    }

    /// Whether the call still decides about this channel.
    pub(super) fn decides(&self, channel: &ChannelId) -> bool {
        !self.left.contains(channel)
    }

    /// What the call resolves to when it is confirmed.
    pub(super) fn done<P>(&self) -> Settled<P> {
        match self.kind {
            Kind::Subscribe => Settled::Subscribed(self.channels.clone()),
            Kind::Unsubscribe => Settled::Done,
        }
    }

    /// The request; `None` when later calls have decided about all of its channels.
    pub(super) fn method<P>(&self) -> Option<Method<P>> {
        let channels: Vec<_> = self
            .channels
            .iter()
            .filter(|channel| self.decides(channel))
            .cloned()
            .collect();
        if channels.is_empty() {
            return None;
        }
        Some(match self.kind {
            Kind::Subscribe => Method::Subscribe(channels),
            Kind::Unsubscribe => Method::Unsubscribe(channels),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Frame, codec::encode};

    #[test]
    fn a_request_is_not_larger_than_its_bound_nor_much_smaller() {
        // The largest on the wire that 128 bytes can be.
        let channel: ChannelId = "\"".repeat(128).parse().unwrap();
        for kind in [Kind::Subscribe, Kind::Unsubscribe] {
            let pending = Pending::new(CallId(1), kind, vec![channel.clone(); 40]);
            let method = pending.method::<()>().unwrap();
            let text = encode(&Frame::Request(1, method));
            let size = text.head.len() + text.tail.len();
            let bound = pending.bytes() as usize;
            assert!(size < bound + 100, "{size} > {bound}");
            assert!(bound < size + size / 8, "{bound} > {size}");
        }
    }
}
