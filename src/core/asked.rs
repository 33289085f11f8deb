//! Requests of the lanes Retry and Now that are not answered yet.

use super::CallId;

/// A request.
#[derive(Debug)]
pub(super) struct Asked<P> {
    pub(super) call: CallId,
    pub(super) body: P,
    /// An upper bound of the body's size on the wire.
    pub(super) bytes: u32,
    /// Whether it is sent again on the next connection.
    pub(super) again: bool,
    /// Whether it was sent on the present connection.
    pub(super) sent: bool,
}

/// All of them, in the order of the calls.
#[derive(Debug)]
pub(super) struct AskedList<P>(Vec<Asked<P>>);

impl<P> AskedList<P> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, asked: Asked<P>) {
        self.0.push(asked);
    }

    /// The first that may be sent now.
    pub(super) fn next_ready(&mut self) -> Option<&mut Asked<P>> {
        self.0.iter_mut().find(|asked| !asked.sent)
    }

    /// The gateway has not taken the request of a call: it is to be sent again. False if it is not.
    pub(super) fn refused(&mut self, call: CallId) -> bool {
        let mut list = self.0.iter_mut();
        let refused = list.find(|asked| asked.call == call && asked.again);
        refused.map(|asked| asked.sent = false).is_some()
    }

    /// Takes out the request of a call.
    pub(super) fn take(&mut self, call: CallId) -> Option<Asked<P>> {
        let index = self.0.iter().position(|asked| asked.call == call)?;
        Some(self.0.remove(index))
    }

    /// The connection is lost: queries are sent again; returns the calls that end with it.
    pub(super) fn connection_lost(&mut self) -> Vec<CallId> {
        let mut ended = Vec::new();
        self.0.retain_mut(|asked| {
            asked.sent = false;
            if !asked.again {
                ended.push(asked.call);
            }
            asked.again
        });
        ended
    }

    /// Empties the list.
    pub(super) fn take_all(&mut self) -> Vec<CallId> {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|asked| asked.call)
            .collect()
    }
}
