//! The requests of the present connection that have no reply yet: one table for all of them.

use super::CallId;

/// What a reply is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A command of the outbox.
    Once(CallId),
    /// A request of the lanes Retry and Now.
    Asked(CallId),
    /// A part of a pending subscription, which names so many channels.
    Subscription(usize),
    /// The subscriptions of the connection before, of which it names so many.
    Resume(usize),
    /// The renewal of the token.
    Refresh,
}

/// The table.
#[derive(Debug)]
pub(super) struct InFlight {
    /// In the order sent; replies mostly come in that order.
    requests: Vec<(u32, Purpose)>,
    next: u32,
}

impl InFlight {
    pub(super) const NEW: Self = Self {
        requests: Vec::new(),
        next: 1,
    };

    /// The id of the next request.
    pub(super) const fn next_id(&self) -> u32 {
        self.next
    }

    /// Adds a request and returns its id.
    pub(super) fn add(&mut self, purpose: Purpose) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.requests.push((id, purpose));
        id
    }

    /// Takes out the request a reply is for.
    pub(super) fn take(&mut self, id: u32) -> Option<Purpose> {
        let index = self.requests.iter().position(|(held, _)| *held == id)?;
        Some(self.requests.remove(index).1)
    }

    /// How many requests are of a kind.
    pub(super) fn count(&self, of: fn(&Purpose) -> bool) -> usize {
        self.requests
            .iter()
            .filter(|(_, purpose)| of(purpose))
            .count()
    }

    /// How many channels they name.
    pub(super) fn named(&self) -> usize {
        let named = |(_, purpose): &(u32, Purpose)| match purpose {
            Purpose::Subscription(named) | Purpose::Resume(named) => *named,
            Purpose::Once(_) | Purpose::Asked(_) | Purpose::Refresh => 0,
        };
        self.requests.iter().map(named).sum()
    }

    /// The connection is lost, and with it every reply.
    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_finds_its_request_once() {
        let mut requests = InFlight::NEW;
        let first = requests.add(Purpose::Once(CallId(7)));
        let second = requests.add(Purpose::Refresh);
        assert_ne!(first, second);
        assert_eq!(
            requests.count(|purpose| matches!(purpose, Purpose::Once(_))),
            1
        );
        assert_eq!(requests.take(second), Some(Purpose::Refresh));
        assert_eq!(requests.take(second), None);
        requests.clear();
        assert_eq!(requests.take(first), None);
    }
}
