//! One connection without IO: time and ids are arguments; store, log and bus are outputs.
//!
//! Driven like the client's core: [`Session::handle`], [`Session::poll_output`],
//! [`Session::next_timeout`]. A [`Driver`] does the driving.

// Deterministic: no clock, no randomness, no iteration order that differs between runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod catch_up;
mod desk;
mod driver;
mod hello;
mod io;
mod open;
mod queue;
mod rates;
mod requests;
mod subscription;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use alo_protocol::{
    AuthRefreshed, ChannelId, ClientFrame, CloseCode, Cursor, ErrorBody, ErrorCode, GapReason,
    HELLO_BYTES, Hello, Limits, Rates, Recovery, Request, Subscribed, Uuid, Welcome, error_text,
    gap_text, raw_result_text, result_text, welcome_text,
};

pub use desk::{Ask, Desk, read_at_once, write_at_once};
pub use driver::{Driver, Farewell, Port, Write};
pub use io::{Input, Op, Output};

use hello::HELLO_MS;
use open::Open;
use queue::Queue;
use rates::{Gate, Passed};
use requests::{Admission, Pending};

use crate::{
    access::Concern,
    auth::Tokens,
    bus::News,
    limits::Visitor,
    methods::{self, Asked, Step, subscribe::Wanted},
    store::{Committed, LogEvent, Query, Rows},
};

/// How often a WebSocket ping is sent, which keeps proxies from closing, and how often a client is asked to ping.
const HEARTBEAT_MS: u32 = 25_000;
/// A connection without a frame for this long is closed, milliseconds. Browsers let hidden pages act once a minute:
/// one such ping may be late.
const IDLE_MS: u64 = 130_000;

/// Makes ids, version 7, from the time.
pub type NewId = Box<dyn FnMut(u64) -> Uuid + Send>;

/// A connection. See the module.
pub struct Session {
    tokens: Arc<Tokens>,
    limits: Limits,
    new_id: NewId,
    connection_id: Uuid,
    state: State,
    received_at: u64,
    ping_at: u64,
    /// By how much the wall clock is ahead of `now_ms`.
    skew_ms: i64,
    queue: Queue,
    gate: Gate,
    outputs: VecDeque<Output>,
}

enum State {
    AwaitingHello { deadline: u64 },
    Open(Box<Open>),
    Closed,
}

impl State {
    const fn open(&mut self) -> Option<&mut Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::AwaitingHello { .. } | Self::Closed => None,
        }
    }
}

impl Session {
    /// A new connection.
    pub fn new(tokens: Arc<Tokens>, limits: Limits, mut new_id: NewId, now_ms: u64) -> Self {
        Self {
            tokens,
            limits,
            connection_id: new_id(now_ms),
            new_id,
            state: State::AwaitingHello {
                deadline: now_ms + HELLO_MS,
            },
            received_at: now_ms,
            ping_at: now_ms + u64::from(HEARTBEAT_MS),
            skew_ms: 0,
            queue: Queue::new(queue::ITEMS),
            gate: Gate::new(None, rates::HOLD_MS),
            outputs: VecDeque::new(),
        }
    }

    /// With so many items at most before live events are left to the log.
    #[must_use]
    pub fn with_queue(self, items: usize) -> Self {
        Self {
            queue: Queue::new(items),
            ..self
        }
    }

    /// Under the limits by rate of this visitor.
    #[must_use]
    pub fn with_visitor(self, visitor: Visitor) -> Self {
        self.with_visitor_held(visitor, rates::HOLD_MS)
    }

    /// The same, with so many milliseconds for which a frame that comes too early is held at most.
    #[must_use]
    pub fn with_visitor_held(mut self, visitor: Visitor, hold_ms: u64) -> Self {
        let rates = visitor.announced();
        self.limits.rates = (rates != Rates::default()).then_some(rates);
        self.gate = Gate::new(Some(visitor), hold_ms);
        self
    }

    /// The next output; `None` when there is none left.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Timeout`] if nothing happens before; `None` after the close.
    pub fn next_timeout(&self) -> Option<u64> {
        let (expiry, retry) = match &self.state {
            State::AwaitingHello { deadline } => (*deadline, None),
            State::Open(open) => {
                let expires_at_ms = open.identity.expires_at_ms;
                (
                    expires_at_ms.saturating_add_signed(self.skew_ms.saturating_neg()),
                    open.catch_up.next_timeout(),
                )
            }
            State::Closed => return None,
        };
        Some(
            expiry
                .min(self.ping_at)
                .min(self.received_at + IDLE_MS)
                .min(self.queue.stalls_at())
                .min(retry.unwrap_or(u64::MAX))
                .min(self.gate.opens_at()),
        )
    }

    /// Whether to read more frames: not while the client does not read its answers, or sends too much.
    pub fn wants_frames(&self) -> bool {
        self.queue.takes_answers() && self.gate.is_open()
    }

    /// By how much the wall clock, which tokens and timestamps follow, is ahead of `now_ms`, which deadlines
    /// follow. It is 0 unless the wall clock was changed.
    pub const fn set_skew(&mut self, skew_ms: i64) {
        self.skew_ms = skew_ms;
    }

    const fn wall_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.skew_ms)
    }

    /// Takes one input. `now_ms` never decreases.
    pub fn handle(&mut self, now_ms: u64, input: Input<'_>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        match input {
            Input::Frame(text) => {
                self.received_at = now_ms;
                self.frame(now_ms, text);
            }
            Input::Binary => self.close(CloseCode::BinaryFrame),
            Input::TooLarge => self.close(CloseCode::FrameTooLarge),
            Input::Committed(op, result) => self.committed(now_ms, op, result),
            Input::Heads(op, result) => self.heads(now_ms, op, result),
            Input::Rows(op, result) => self.rows(now_ms, op, result),
            Input::Live(op, result) => self.live(now_ms, op, result),
            Input::News(news) => self.news(now_ms, &news),
            Input::Lagged => {
                if let Some(open) = self.state.open() {
                    open.lagged();
                }
            }
            Input::Wrote(all) => self.queue.wrote(now_ms, all),
            Input::Access => self.access_changed(now_ms),
            Input::Shutdown => self.close(CloseCode::Shutdown),
            Input::Timeout => self.timeout(now_ms),
        }
        self.start();
    }

    fn timeout(&mut self, now_ms: u64) {
        let wall_ms = self.wall_ms(now_ms);
        let code = match &mut self.state {
            State::AwaitingHello { deadline } if *deadline <= now_ms => CloseCode::HelloTimeout,
            State::Open(open) if open.identity.expires_at_ms <= wall_ms => CloseCode::TokenExpired,
            State::Closed => return,
            State::AwaitingHello { .. } | State::Open(_)
                if self.received_at + IDLE_MS <= now_ms =>
            {
                CloseCode::IdleTimeout
            }
            State::AwaitingHello { .. } | State::Open(_) if self.queue.stalls_at() <= now_ms => {
                CloseCode::Recover
            }
            state @ (State::AwaitingHello { .. } | State::Open(_)) => {
                if let Some(open) = state.open() {
                    open.catch_up.timeout(now_ms);
                }
                self.let_through(now_ms);
                if matches!(self.state, State::Closed) {
                    return;
                }
                if self.ping_at <= now_ms {
                    self.ping_at = now_ms + u64::from(HEARTBEAT_MS);
                    self.outputs.push_back(Output::Ping);
                }
                return;
            }
        };
        self.close(code);
    }

    fn close(&mut self, code: CloseCode) {
        self.state = State::Closed;
        self.outputs.push_back(Output::Close(code));
    }

    /// Closes without what is queued: it may no longer be read.
    fn cut(&mut self, code: CloseCode) {
        self.state = State::Closed;
        self.outputs.push_back(Output::Cut(code));
    }

    fn send(&mut self, now_ms: u64, item: impl Into<Arc<str>>) {
        let item = item.into();
        self.queue.add(now_ms, item.len());
        self.outputs.push_back(Output::Send(item));
    }

    fn refuse(&mut self, now_ms: u64, request: u64, error: &ErrorBody) {
        self.send(now_ms, error_text(request, error));
    }

    // Frames.

    fn frame(&mut self, now_ms: u64, text: &str) {
        let limit = match self.state {
            State::AwaitingHello { .. } => HELLO_BYTES,
            State::Open(_) | State::Closed => self.limits.frame_bytes as usize,
        };
        if text.len() > limit {
            return self.close(CloseCode::FrameTooLarge);
        }
        let frame = match ClientFrame::decode(text) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::debug!(connection = %self.connection_id, %error, "a frame was malformed");
                return self.close(CloseCode::MalformedFrame);
            }
        };
        match (&mut self.state, frame) {
            (State::AwaitingHello { .. }, ClientFrame::Hello(hello)) => self.hello(now_ms, &hello),
            (
                State::Open(_),
                frame @ (ClientFrame::Request { .. }
                | ClientFrame::Refused { .. }
                | ClientFrame::Ping(_)),
            ) => {
                self.gate.arrived(frame);
                self.let_through(now_ms);
            }
            (
                State::AwaitingHello { .. },
                ClientFrame::Request { .. } | ClientFrame::Refused { .. } | ClientFrame::Ping(_),
            )
            | (State::Open(_), ClientFrame::Hello(_)) => self.close(CloseCode::MalformedFrame),
            (State::Closed, _) => {}
        }
    }

    /// Processes the frames whose time has come.
    fn let_through(&mut self, now_ms: u64) {
        while let State::Open(open) = &mut self.state {
            let Some(passed) = self.gate.next(now_ms, &self.limits) else {
                return;
            };
            self.received_at = now_ms;
            match passed {
                Passed::Flood => self.close(CloseCode::Flood),
                Passed::Refused(id, error) => self.refuse(now_ms, id, &error),
                Passed::Ping(number) => self.send(now_ms, format!(r#"{{"pong":{number}}}"#)),
                Passed::Request(id, request) => match open.requests.admit(&self.limits) {
                    Admission::Taken => self.request(now_ms, id, request),
                    Admission::Refused => {
                        self.refuse(now_ms, id, &too_many("too many requests are unanswered"));
                    }
                    Admission::Flood => self.close(CloseCode::Flood),
                },
            }
        }
    }

    fn hello(&mut self, now_ms: u64, hello: &Hello) {
        let wall_ms = self.wall_ms(now_ms);
        let identity = match hello::accept(&self.tokens, wall_ms, hello) {
            Ok(identity) => identity,
            Err(code) => {
                if code == CloseCode::TokenInvalid {
                    self.gate.token_refused(now_ms);
                }
                return self.close(code);
            }
        };
        if !self.gate.greet(&identity.user_id, now_ms) {
            return self.close(CloseCode::TooManyConnections);
        }
        let welcome = Welcome {
            connection_id: self.connection_id,
            user_id: identity.user_id.to_string(),
            heartbeat_ms: HEARTBEAT_MS,
            token_expires_in_ms: identity.expires_at_ms.saturating_sub(wall_ms),
            limits: self.limits.clone(),
        };
        let device = match &hello.device_id {
            Some(device) => device.as_str().into(),
            None => self.connection_id.to_string().into(),
        };
        self.state = State::Open(Box::new(Open::new(identity, device)));
        self.send(now_ms, welcome_text(&welcome));
    }

    fn request(&mut self, now_ms: u64, request: u64, asked: Request) {
        let wall_ms = self.wall_ms(now_ms);
        let State::Open(open) = &mut self.state else {
            return;
        };
        let step = methods::step(
            Asked {
                identity: &open.identity,
                who: &open.who,
                limits: &self.limits,
                tokens: &self.tokens,
                is_subscribed: &|id| open.subscriptions.contains_key(id),
                channels: open.channels(),
                now_ms: wall_ms,
                new_id: &mut self.new_id,
            },
            asked,
        );
        match step {
            Err(error) => {
                if error.code == ErrorCode::TokenInvalid {
                    self.gate.token_refused(now_ms);
                }
                self.refuse(now_ms, request, &error);
            }
            Ok(Step::Commit(change, result)) => {
                if open.types
                    && let Some(act) = methods::typing::sent(&open.who, &change)
                {
                    let op = open.requests.new_op();
                    self.outputs.push_back(Output::Live(op, act));
                }
                open.requests.begin_commit(request, change, result);
            }
            Ok(Step::Live(act)) => {
                open.types = true;
                let op = open.requests.begin_live(request, act.channel.clone());
                self.outputs.push_back(Output::Live(op, act));
            }
            Ok(Step::Read(query, result)) => open.requests.begin_read(request, query, result),
            Ok(Step::Subscribe(wanted)) => self.subscribe(now_ms, request, wanted, true),
            Ok(Step::Resume(wanted)) => self.subscribe(now_ms, request, wanted, false),
            Ok(Step::Unsubscribe(channels)) => {
                for channel in channels {
                    if open.subscriptions.remove(&channel).is_some() {
                        let log = open.identity.log(&channel);
                        self.outputs.push_back(Output::Leave(log));
                    }
                }
                self.send(now_ms, raw_result_text(request, "{}"));
            }
            Ok(Step::Identify(identity)) => {
                // A channel the new token does not permit closes the connection: the client resumes, is refused
                // the channel, and emits `channel.gap`.
                let opens = |channel| identity.authorize_log(channel, wall_ms).is_ok();
                if !open.subscriptions.keys().all(opens) {
                    let message = "token: opens fewer channels";
                    let error = ErrorBody::new(ErrorCode::ChannelForbidden, message);
                    self.refuse(now_ms, request, &error);
                    return self.close(CloseCode::Recover);
                }
                let token_expires_in_ms = identity.expires_at_ms.saturating_sub(wall_ms);
                open.identity = identity;
                let refreshed = AuthRefreshed {
                    token_expires_in_ms,
                };
                self.send(now_ms, result_text(request, &refreshed));
            }
        }
    }

    /// Joins channels that are new and requests the heads of all: an event is either in the head that is read
    /// later, or there is news of it. `whole`: all channels or none.
    fn subscribe(&mut self, now_ms: u64, request: u64, wanted: Vec<Wanted>, whole: bool) {
        let Some(open) = self.state.open() else {
            return;
        };
        if open.requests.named() + wanted.len() > self.limits.channels_per_connection as usize {
            let error = too_many("channels: unanswered requests name too many");
            return self.refuse(now_ms, request, &error);
        }
        let op = open.requests.new_op();
        for channel in open.join(op, &wanted) {
            let log = open.identity.log(&channel);
            self.outputs.push_back(Output::Join(log));
        }
        let permitted = wanted.iter().filter_map(Wanted::permitted);
        let logs = permitted.map(|id| open.identity.log(id)).collect();
        open.requests
            .begin_subscribe(op, request, wanted, logs, whole);
    }

    // Answers of the store.

    fn committed(&mut self, now_ms: u64, op: Op, answer: Result<Committed, ErrorBody>) {
        let pending = self.answered(op);
        if let Some(Pending::Commit { request, result }) = pending {
            match answer {
                Ok(committed) => {
                    self.send(now_ms, raw_result_text(request, &result(&committed)));
                }
                Err(error) => self.refuse(now_ms, request, &error),
            }
        }
    }

    fn heads(&mut self, now_ms: u64, op: Op, answer: Result<Vec<Cursor>, ErrorBody>) {
        let wall_ms = self.wall_ms(now_ms);
        let pending = self.answered(op);
        let Some(open) = self.state.open() else {
            return;
        };
        let answer = match &pending {
            // Revoked in the meantime.
            Some(Pending::Subscribe {
                wanted,
                whole: true,
                ..
            }) => answer.and_then(|heads| {
                let check = |one: &Wanted| open.identity.authorize_log(&one.start.id, wall_ms);
                wanted.iter().try_for_each(check).map(|()| heads)
            }),
            Some(
                Pending::Subscribe { .. }
                | Pending::Commit { .. }
                | Pending::Read { .. }
                | Pending::Live { .. },
            )
            | None => answer,
        };
        match (pending, answer) {
            (
                Some(Pending::Subscribe {
                    request, wanted, ..
                }),
                Ok(heads),
            ) => {
                let channels = open.start(op, wall_ms, wanted, heads);
                self.send(now_ms, result_text(request, &Subscribed { channels }));
            }
            (
                Some(Pending::Subscribe {
                    request, wanted, ..
                }),
                Err(error),
            ) => {
                for channel in open.start_failed(op, wanted) {
                    let log = open.identity.log(&channel);
                    self.outputs.push_back(Output::Leave(log));
                }
                self.refuse(now_ms, request, &error);
            }
            (
                Some(Pending::Commit { .. } | Pending::Read { .. } | Pending::Live { .. }) | None,
                _,
            ) => {}
        }
    }

    fn rows(&mut self, now_ms: u64, op: Op, answer: Result<Rows, ErrorBody>) {
        let Some(open) = self.state.open() else {
            return;
        };
        if let Some(channel) = open.catch_up.answered(op) {
            return self.tail(now_ms, channel, answer);
        }
        if let Some(Pending::Read {
            request, result, ..
        }) = self.answered(op)
        {
            match answer.and_then(result) {
                Ok(result) => self.send(now_ms, raw_result_text(request, &result)),
                Err(error) => self.refuse(now_ms, request, &error),
            }
        }
    }

    /// Something live is changed or read. What may no longer be read meanwhile is not sent.
    fn live(&mut self, now_ms: u64, op: Op, answer: Result<String, ErrorBody>) {
        let wall_ms = self.wall_ms(now_ms);
        let pending = self.answered(op);
        let Some(open) = self.state.open() else {
            return;
        };
        if let Some(Pending::Live { request, channel }) = pending {
            let permitted = open.identity.authorize(&channel, wall_ms);
            match permitted.and(answer) {
                Ok(result) => self.send(now_ms, raw_result_text(request, &result)),
                Err(error) => self.refuse(now_ms, request, &error),
            }
        }
    }

    /// What a subscription that is behind has read.
    fn tail(&mut self, now_ms: u64, id: ChannelId, answer: Result<Rows, ErrorBody>) {
        let Some(open) = self.state.open() else {
            return;
        };
        let subscription = open.subscriptions.get_mut(&id);
        match answer {
            Ok(Rows::Events(events)) => {
                open.catch_up.succeeded();
                let events = subscription.map(|subscription| subscription.page(events));
                for LogEvent { push, .. } in events.unwrap_or_default() {
                    self.send(now_ms, push);
                }
            }
            Ok(Rows::Gap(head)) => {
                open.catch_up.succeeded();
                if subscription.is_some_and(|subscription| subscription.skip(head.clone())) {
                    let recovery = Recovery {
                        id,
                        cursor: Some(head),
                        gap: Some(GapReason::Expired),
                        error: None,
                    };
                    self.send(now_ms, gap_text(&recovery));
                }
            }
            Err(_) | Ok(Rows::Page(_) | Rows::Counts(_) | Rows::Reads(_)) => {
                if let Some(subscription) = subscription {
                    subscription.read_failed();
                }
                if !open.catch_up.failed(now_ms) {
                    self.close(CloseCode::Internal);
                }
            }
        }
    }

    fn answered(&mut self, op: Op) -> Option<Pending> {
        self.state.open()?.requests.answered(op)
    }

    // Events.

    fn news(&mut self, now_ms: u64, news: &News) {
        let has_room = match news {
            News::Event(_) | News::Head(_) => self.queue.has_room(),
            News::Signal(_) => self.queue.takes_signals(),
        };
        let is_sent = self
            .state
            .open()
            .is_some_and(|open| open.take(news, has_room));
        match news {
            News::Event(event) if is_sent => self.send(now_ms, event.push.clone()),
            News::Signal(signal) if is_sent => self.send(now_ms, signal.text.clone()),
            News::Event(_) | News::Signal(_) | News::Head(_) => {}
        }
    }

    // Rights.

    /// Something was revoked: ends what the user may no longer read.
    fn access_changed(&mut self, now_ms: u64) {
        let (wall_ms, is_read) = (self.wall_ms(now_ms), self.queue.is_empty());
        let Some(open) = self.state.open() else {
            return;
        };
        let Some(concern) = open.identity.concern() else {
            return;
        };
        if open.identity.check(wall_ms).is_err() {
            return self.cut(CloseCode::TokenRevoked);
        }
        // What is queued may be of such a channel. The client resumes what it may read from its cursors.
        if concern == Concern::Reading && !is_read {
            return self.cut(CloseCode::Recover);
        }
        let (left, refused) = open.forbid(wall_ms);
        let left: Vec<_> = left
            .into_iter()
            .map(|(id, error)| (open.identity.log(&id), id, error))
            .collect();
        for (log, id, error) in left {
            self.outputs.push_back(Output::Leave(log));
            let recovery = Recovery {
                id,
                cursor: None,
                gap: None,
                error: Some(error),
            };
            self.send(now_ms, gap_text(&recovery));
        }
        for (request, error) in refused {
            self.refuse(now_ms, request, &error);
        }
    }

    /// Starts what is next. Subscriptions that are behind come before history.
    fn start(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        while let Some(output) = open.requests.next_order() {
            self.outputs.push_back(output);
        }
        if open.catch_up.is_due() && self.queue.is_empty() {
            let op = open.requests.new_op();
            if let Some((channel, after)) = open.catch_up.begin(op, &mut open.subscriptions) {
                let log = open.identity.log(&channel);
                let query = Query::Tail { log, after };
                self.outputs.push_back(Output::Read(op, query));
            }
        }
        if self.queue.has_room()
            && !open.catch_up.is_due()
            && let Some((op, query)) = open.requests.next_read()
        {
            self.outputs.push_back(Output::Read(op, query));
        }
    }
}

fn too_many(message: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::TooManyRequests, message)
}
