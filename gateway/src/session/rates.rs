//! Limits by rate, without a change of order: a frame that comes too early is held, and those behind it with it,
//! as no more are read. A request that would be held for too long is refused. Sends that are refused take those
//! behind them along until the client starts again from one of them: none is stored before one sent earlier.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use alo_protocol::{ClientFrame, ErrorBody, Limits, REQUEST_CHANNELS, Request, Uuid};

use super::requests::most_refused;
use crate::limits::{Visitor, exceeded};

/// For how long a frame is held at most, milliseconds: a client must receive its pong within ten seconds.
pub(super) const HOLD_MS: u64 = 2_000;
/// Channels, of a request that names several, that are as much work as a request.
const CHANNELS: usize = 10;
/// Messages of a page that are as much work as a request.
const MESSAGES: u32 = 100;

/// See the module.
pub(super) struct Gate {
    visitor: Option<Visitor>,
    /// [`HOLD_MS`]
    hold_ms: u64,
    frames: VecDeque<ClientFrame>,
    holding: Option<Holding>,
    /// Requests refused in a row.
    refusals: u32,
    /// Keys of the sends refused since the last that was accepted.
    refused: BTreeSet<Uuid>,
    /// When the last of them may be sent.
    refused_until: u64,
}

/// The first frame waits.
struct Holding {
    since: u64,
    until: u64,
}

/// What happens with the next frame.
pub(super) enum Passed {
    Request(u64, Request),
    Refused(u64, ErrorBody),
    Ping(u64),
    /// Far too many were refused.
    Flood,
}

impl Gate {
    /// Nothing is limited without a visitor.
    pub(super) const fn new(visitor: Option<Visitor>, hold_ms: u64) -> Self {
        Self {
            visitor,
            hold_ms,
            frames: VecDeque::new(),
            holding: None,
            refusals: 0,
            refused: BTreeSet::new(),
            refused_until: 0,
        }
    }

    /// False if the user has too many connections.
    pub(super) fn greet(&mut self, user: &Arc<str>, now_ms: u64) -> bool {
        let visitor = self.visitor.as_mut();
        visitor.is_none_or(|visitor| visitor.greet(user, now_ms))
    }

    pub(super) fn token_refused(&self, now_ms: u64) {
        if let Some(visitor) = &self.visitor {
            visitor.refused(now_ms, "the hello's token is not valid here");
        }
    }

    /// Whether frames pass.
    pub(super) const fn is_open(&self) -> bool {
        self.holding.is_none()
    }

    /// When the frame that is held may pass.
    pub(super) fn opens_at(&self) -> u64 {
        self.holding
            .as_ref()
            .map_or(u64::MAX, |holding| holding.until)
    }

    /// A frame was received.
    pub(super) fn arrived(&mut self, frame: ClientFrame) {
        self.frames.push_back(frame);
    }

    /// The next frame that passes, in the order received.
    pub(super) fn next(&mut self, now_ms: u64, limits: &Limits) -> Option<Passed> {
        let frame = self.frames.front()?;
        let most = most_refused(limits);
        if self.refusals > most || self.frames.len() > most as usize {
            return Some(Passed::Flood);
        }
        if let Some((id, key)) = send(frame)
            && !self.refused.is_empty()
            && !self.refused.contains(&key)
        {
            // Sent before the client knew that an earlier one was refused.
            self.frames.pop_front();
            return Some(self.refuse(
                now_ms,
                id,
                Some(key),
                self.refused_until.saturating_sub(now_ms).max(1),
            ));
        }
        let Err(wait_ms) = self.take(frame, now_ms) else {
            (self.holding, self.refusals) = (None, 0);
            let frame = self.frames.pop_front()?;
            if send(&frame).is_some() {
                self.refused.clear();
            }
            return pass(frame);
        };
        let since = self.holding.as_ref().map_or(now_ms, |held| held.since);
        let (opens_at, latest) = (now_ms + wait_ms, since + self.hold_ms);
        if opens_at <= latest {
            self.holding = Some(Holding {
                since,
                until: opens_at,
            });
            return None;
        }
        self.holding = None;
        let key = send(frame).map(|(_, key)| key);
        match self.frames.pop_front()? {
            ClientFrame::Request { id, .. } | ClientFrame::Refused { id, .. } => {
                Some(self.refuse(now_ms, id, key, wait_ms))
            }
            // It has no answer but a pong.
            frame @ (ClientFrame::Ping(_) | ClientFrame::Hello(_)) => pass(frame),
        }
    }

    fn refuse(&mut self, now_ms: u64, id: u64, key: Option<Uuid>, wait_ms: u64) -> Passed {
        self.refusals += 1;
        let what = match key {
            Some(key) => {
                self.refused.insert(key);
                self.refused_until = now_ms + wait_ms;
                "messages"
            }
            None => "requests",
        };
        if let Some(visitor) = &self.visitor {
            visitor.limit_reached(what);
        }
        Passed::Refused(id, exceeded(what, wait_ms))
    }

    fn take(&self, frame: &ClientFrame, now_ms: u64) -> Result<(), u64> {
        let Some(visitor) = &self.visitor else {
            return Ok(());
        };
        match frame {
            ClientFrame::Request {
                request: Request::SendMessage(_),
                ..
            } => visitor.send(now_ms),
            // It only makes less work, and the order in which a client subscribes and unsubscribes stays.
            ClientFrame::Request {
                request: Request::Unsubscribe(_),
                ..
            } => Ok(()),
            ClientFrame::Request { request, .. } => visitor.request(work(request), now_ms),
            ClientFrame::Refused { .. } | ClientFrame::Ping(_) | ClientFrame::Hello(_) => {
                visitor.request(1, now_ms)
            }
        }
    }
}

fn pass(frame: ClientFrame) -> Option<Passed> {
    match frame {
        ClientFrame::Request { id, request } => Some(Passed::Request(id, request)),
        ClientFrame::Refused { id, error } => Some(Passed::Refused(id, error)),
        ClientFrame::Ping(number) => Some(Passed::Ping(number)),
        ClientFrame::Hello(_) => None,
    }
}

/// Id and key of a send.
const fn send(frame: &ClientFrame) -> Option<(u64, Uuid)> {
    match frame {
        ClientFrame::Request {
            id,
            request: Request::SendMessage(send),
        } => Some((*id, send.key)),
        ClientFrame::Request { .. }
        | ClientFrame::Refused { .. }
        | ClientFrame::Ping(_)
        | ClientFrame::Hello(_) => None,
    }
}

/// How many requests the work of a request is worth.
fn work(request: &Request) -> u32 {
    let channels = |count: usize| 1 + u32::try_from(count / CHANNELS).unwrap_or(u32::MAX - 1);
    match request {
        Request::Subscribe(params) => channels(params.channels.len()),
        Request::Resume(params) => channels(params.channels.len()),
        Request::MessageCounts(params) => channels(params.channels.len()),
        Request::History(params) => 1 + params.limit / MESSAGES,
        Request::HistoryAround(params) => 1 + params.limit / MESSAGES,
        Request::Reads(params) => {
            let named = params.channel_ids.as_ref();
            channels(named.map_or(REQUEST_CHANNELS, Vec::len))
        }
        Request::Unsubscribe(_)
        | Request::SendMessage(_)
        | Request::MarkRead(_)
        | Request::AuthRefresh(_)
        | Request::StartTyping(_)
        | Request::StopTyping(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use alo_protocol::{Rate, Rates};
    use serde_json::{Value, json};

    use super::*;
    use crate::limits::Limiter;

    const PING: u64 = 7;

    /// A gate of a user with one request, or send, a second, and two at once.
    fn gate(hold_ms: u64) -> Gate {
        let rate = Some(Rate {
            per_minute: 60,
            burst: 2,
        });
        let limiter = Limiter::of_users(Rates {
            sends: rate,
            requests: rate,
            ..Rates::default()
        });
        let mut visitor = Visitor::unlimited(Arc::new(limiter));
        assert!(visitor.greet(&"ada".into(), 0));
        Gate::new(Some(visitor), hold_ms)
    }

    fn arrives(gate: &mut Gate, frame: &Value) {
        gate.arrived(ClientFrame::decode(&frame.to_string()).unwrap());
    }

    /// A send with this id, whose key is made of `key`.
    fn sends(gate: &mut Gate, id: u64, key: u64) {
        let key = format!("00000000-0000-7000-8000-{key:012x}");
        let params = json!({"key": key, "channelId": "a", "content": "x"});
        let frame = json!({"id": id, "method": "message.send", "params": params});
        arrives(gate, &frame);
    }

    /// What passes now: the ids of requests, and of those refused with the time to wait.
    fn passes(gate: &mut Gate, now_ms: u64) -> Vec<Result<u64, (u64, u64)>> {
        let passed = std::iter::from_fn(|| gate.next(now_ms, &Limits::DEFAULT));
        let passed = passed.map(|passed| match passed {
            Passed::Request(id, _) | Passed::Ping(id) => Ok(id),
            Passed::Refused(id, error) => Err((id, error.retry_after_ms.unwrap())),
            Passed::Flood => panic!("a flood"),
        });
        passed.collect()
    }

    #[test]
    fn a_frame_that_comes_too_early_is_held_and_so_are_those_behind_it() {
        let mut gate = gate(HOLD_MS);
        for id in 1..=4 {
            sends(&mut gate, id, id);
        }
        arrives(&mut gate, &json!({"ping": PING}));
        assert_eq!(passes(&mut gate, 0), [Ok(1), Ok(2)]);
        assert!(!gate.is_open());
        assert_eq!(gate.opens_at(), 1_000);
        assert_eq!(passes(&mut gate, 999), []);
        assert_eq!(passes(&mut gate, 1_000), [Ok(3)]);
        assert_eq!(passes(&mut gate, 2_000), [Ok(4), Ok(PING)]);
        assert!(gate.is_open());
        assert_eq!(gate.opens_at(), u64::MAX);
    }

    #[test]
    fn sends_behind_a_refused_one_are_refused_until_it_is_sent_again() {
        let mut gate = gate(0);
        for id in 1..=4 {
            sends(&mut gate, id, id);
        }
        let refused = [Ok(1), Ok(2), Err((3, 1_000)), Err((4, 1_000))];
        assert_eq!(passes(&mut gate, 0), refused);
        // There is room again, but this was sent before the client knew of the refusal.
        sends(&mut gate, 5, 5);
        assert_eq!(passes(&mut gate, 5_000), [Err((5, 1))]);
        for id in 6..=8 {
            sends(&mut gate, id, id - 3);
        }
        assert_eq!(passes(&mut gate, 6_000), [Ok(6), Ok(7), Err((8, 1_000))]);
        sends(&mut gate, 9, 5);
        sends(&mut gate, 10, 6);
        assert_eq!(passes(&mut gate, 8_000), [Ok(9), Ok(10)]);
    }

    #[test]
    fn one_whose_turn_has_come_meanwhile_goes_first_the_next_time() {
        let mut gate = gate(0);
        for id in 1..=3 {
            sends(&mut gate, id, id);
        }
        assert_eq!(passes(&mut gate, 0), [Ok(1), Ok(2), Err((3, 1_000))]);
        // Its files were not uploaded before.
        sends(&mut gate, 4, 100);
        sends(&mut gate, 5, 3);
        let Some(Passed::Refused(4, _)) = gate.next(5_000, &Limits::DEFAULT) else {
            panic!("it was not refused yet");
        };
        assert_eq!(passes(&mut gate, 5_000), [Ok(5)]);
        sends(&mut gate, 6, 100);
        assert_eq!(passes(&mut gate, 9_000), [Ok(6)]);
    }

    #[test]
    fn other_requests_are_refused_alone_and_pings_and_leaving_never_are() {
        let mut gate = gate(0);
        let history = |id: u64, limit: u32| json!({"id": id, "method": "history", "params": {"channelId": "a", "limit": limit}});
        arrives(&mut gate, &history(1, 100));
        arrives(&mut gate, &history(2, 50));
        arrives(&mut gate, &json!({"ping": PING}));
        let leave = json!({"id": 3, "method": "unsubscribe", "params": {"channelIds": ["a"]}});
        arrives(&mut gate, &leave);
        sends(&mut gate, 4, 4);
        let expected = [Ok(1), Err((2, 1_000)), Ok(PING), Ok(3), Ok(4)];
        assert_eq!(passes(&mut gate, 0), expected);
        arrives(&mut gate, &history(5, 50));
        assert_eq!(passes(&mut gate, 1_000), [Ok(5)]);
    }

    #[test]
    fn a_client_that_goes_on_although_it_is_refused_is_a_flood() {
        let mut gate = gate(0);
        let mut is_flood = false;
        for id in 0..2_000 {
            sends(&mut gate, id, id);
            let passed = gate.next(0, &Limits::DEFAULT);
            is_flood |= matches!(passed, Some(Passed::Flood));
        }
        assert!(is_flood);
    }

    #[test]
    fn without_a_visitor_nothing_is_limited() {
        let mut gate = Gate::new(None, HOLD_MS);
        for id in 0..500 {
            sends(&mut gate, id, id);
        }
        assert!(passes(&mut gate, 0).iter().all(Result::is_ok));
    }
}
