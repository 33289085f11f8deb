//! Pending subscriptions: subscribes and unsubscribes that are not confirmed yet, in the order of the calls.
//! After a reconnect they are sent again in that order, so the last call for a channel wins.

use alo_protocol::{ChannelId, REQUEST_CHANNELS};

use super::{CallId, Error, Method};

/// What one request has of an unconfirmed call. A call with many channels has several parts, one behind the other.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) call: CallId,
    pub(super) kind: Kind,
    /// Without those that a later call leaves: the reply is out of date for them.
    pub(super) channels: Vec<ChannelId>,
    pub(super) progress: Progress,
}

/// How far a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// To be sent.
    Waiting,
    /// Sent on the present connection, with this id.
    Sent(u32),
    /// Confirmed; the call waits for its other parts.
    Done,
}

/// What is to be confirmed.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
    /// A part of a subscribe was refused: what its other parts have subscribed to is left again.
    Undo(Error),
}

impl Pending {
    /// A later call leaves these channels.
    pub(super) fn leave(&mut self, channels: &[ChannelId]) {
        if self.subscribes() {
            self.channels.retain(|channel| !channels.contains(channel));
        }
    }

    /// The connection is lost: what is not confirmed is sent again.
    pub(super) fn connection_lost(&mut self) {
        if let Progress::Sent(_) = self.progress {
            self.progress = Progress::Waiting;
        }
    }

    /// What was confirmed is not so any more: it is sent again.
    pub(super) fn unconfirm(&mut self) {
        if self.progress == Progress::Done {
            self.progress = Progress::Waiting;
        }
    }

    pub(super) const fn subscribes(&self) -> bool {
        matches!(self.kind, Kind::Subscribe)
    }

    /// Whether it still decides about this channel.
    pub(super) fn decides(&self, channel: &ChannelId) -> bool {
        self.channels.contains(channel)
    }

    /// The request.
    pub(super) fn method<P>(&self) -> Method<P> {
        let channels = self.channels.clone();
        match self.kind {
            Kind::Subscribe => Method::Subscribe(channels),
            Kind::Unsubscribe | Kind::Undo(_) => Method::Unsubscribe(channels),
        }
    }
}

/// An upper bound of a channel's size on the wire, with its cursor.
pub(super) fn bytes(channel: &ChannelId) -> u32 {
    channel.as_str().len() as u32 * 2 + 128
}

/// The room for channels in a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    channels: usize,
    bytes: u32,
    is_used: bool,
}

impl Room {
    /// For as many channels as a request may name and the gateway lets unanswered requests name, in so many bytes.
    pub(super) fn new(channels: usize, bytes: u32) -> Self {
        Self {
            channels: channels.min(REQUEST_CHANNELS),
            bytes,
            is_used: false,
        }
    }

    /// Takes up the room for one more channel; the first always fits into the bytes.
    pub(super) fn takes(&mut self, channel: &ChannelId) -> bool {
        let rest = self.bytes.checked_sub(bytes(channel));
        let fits = self.channels > 0 && (rest.is_some() || !self.is_used);
        if fits {
            self.channels -= 1;
            self.is_used = true;
        }
        // Those behind one that does not fit do not fit either: the order stays.
        self.bytes = rest.filter(|_| fits).unwrap_or(0);
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Frame, codec::encode};

    #[test]
    fn a_request_is_not_larger_than_its_bound_nor_many_times_smaller() {
        // The largest on the wire that 128 bytes can be.
        let channel: ChannelId = "\"".repeat(128).parse().unwrap();
        for kind in [Kind::Subscribe, Kind::Unsubscribe] {
            let pending = Pending {
                call: CallId(1),
                kind,
                channels: vec![channel.clone(); 40],
                progress: Progress::Waiting,
            };
            let text = encode(&Frame::Request(1, pending.method::<()>()));
            let size = text.head.len() + text.tail.len();
            let bound = pending.channels.iter().map(bytes).sum::<u32>() as usize;
            assert!(size < bound + 100, "{size} > {bound}");
            assert!(bound < size * 2, "{bound} > {size}");
        }
    }
}
