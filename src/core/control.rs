//! Subscribes and unsubscribes that are not confirmed yet, in the order of the calls. After a
//! reconnect they are asked again in that order, so the last word on a channel wins.

use alo_protocol::ChannelId;

use super::{CallId, Method};

/// An unconfirmed call.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) call: CallId,
    pub(super) kind: Kind,
    pub(super) channels: Vec<ChannelId>,
    /// The request that asks for it on the present connection.
    pub(super) request: Option<u32>,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
}

impl Control {
    pub(super) fn new(call: CallId, kind: Kind, channels: Vec<ChannelId>) -> Self {
        Self {
            call,
            kind,
            channels,
            request: None,
        }
    }

    pub(super) fn method<P>(&self) -> Method<P> {
        match self.kind {
            Kind::Subscribe => Method::Subscribe(self.channels.clone()),
            Kind::Unsubscribe => Method::Unsubscribe(self.channels.clone()),
        }
    }
}
