//! Limits by rate, without a change of order: a frame that comes too early is held, and those behind it with it,
//! as no more are read. A request that would be held for too long is refused. Sends that are refused take those
//! behind them along until the client starts again from one of them: none is stored before one sent earlier.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use alo_protocol::{ClientFrame, ErrorBody, Limits, Request, Uuid};

use super::requests::FLOOD_FACTOR;
use crate::limits::{Visitor, exceeded};

/// For how long a frame is held at most, milliseconds: a client must receive its pong within ten seconds.
const HOLD_MS: u64 = 2_000;
/// Channels, of a request that names several, that are as much work as a request.
const CHANNELS: usize = 10;
/// Messages of a page that are as much work as a request.
const MESSAGES: u32 = 100;

/// See the module.
#[derive(Default)]
pub(super) struct Gate {
    visitor: Option<Visitor>,
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
    pub(super) fn admit(&mut self, visitor: Visitor) {
        self.visitor = Some(visitor);
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
        let most = limits.requests_in_flight.saturating_mul(FLOOD_FACTOR - 1);
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
        let (opens_at, latest) = (now_ms + wait_ms, since + HOLD_MS);
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
        Request::Unsubscribe(params) => channels(params.channel_ids.len()),
        Request::History(params) => 1 + params.limit / MESSAGES,
        Request::HistoryAround(params) => 1 + params.limit / MESSAGES,
        Request::SendMessage(_) | Request::AuthRefresh(_) => 1,
    }
}
