//! One connection without IO: time and ids are arguments, the store and the bus are outputs.
//!
//! Driven like the client's core: [`Session::handle`], [`Session::poll_output`],
//! [`Session::next_timeout`].

// No clock, no randomness, no order that differs from run to run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod io;
mod subscription;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use alo_protocol::{
    AuthRefresh, AuthRefreshed, ChannelId, ClientFrame, CloseCode, Cursor, ErrorBody, ErrorCode,
    Hello, Limits, Recovery, Request, Resume, SendMessage, Subscribe, Subscribed, Unsubscribe,
    Uuid, Welcome, error_text, result_text, welcome_text,
};

pub use io::{Input, Output};
use subscription::{Subscription, Verdict};

use crate::{
    auth::{Identity, Tokens},
    store::{Committed, LogEvent},
    writer::Submission,
};

/// Largest hello, bytes: it names a cursor for each channel, which may be more than fits a later frame.
pub const HELLO_BYTES: usize = 1 << 20;
/// How long a connection may take to say hello, milliseconds.
const HELLO_MS: u64 = 10_000;
/// How often a WebSocket ping is sent, and how often a client is asked to ping when it hears nothing.
const HEARTBEAT_MS: u32 = 25_000;
/// Nothing heard for so long ends the connection.
const IDLE_MS: u64 = 60_000;
/// Nothing taken for so long, with something waiting, ends the connection.
const STALL_MS: u64 = 30_000;
/// Items that may wait for the socket before live events are left to the log.
const QUEUE_ITEMS: usize = 1_024;
/// Bytes that may wait likewise.
const QUEUE_BYTES: usize = 1 << 20;
/// Refused requests in a row, as multiples of the limit in flight, that make a flood.
const FLOOD_FACTOR: u32 = 4;

/// A connection. See the module.
pub struct Session {
    tokens: Arc<Tokens>,
    limits: Limits,
    connection_id: Uuid,
    state: State,
    heard_at: u64,
    ping_at: u64,
    queue: Queue,
    catch_up: CatchUp,
    outputs: VecDeque<Output>,
}

/// Reading of the log for subscriptions that are behind: one page at a time for the whole connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CatchUp {
    /// Nobody is behind.
    Done,
    /// Somebody may be.
    Due,
    /// A page is on its way.
    Reading,
}

enum State {
    AwaitingHello { deadline: u64 },
    Open(Open),
    Closed,
}

/// What an accepted connection has.
struct Open {
    identity: Identity,
    subscriptions: BTreeMap<ChannelId, Subscription>,
    /// Operations under way, by their number, which is that of the request, or of the hello.
    pending: BTreeMap<u64, Pending>,
    next_op: u64,
    refused_in_a_row: u32,
    /// The channel whose log was read last.
    last_read: Option<ChannelId>,
}

enum Pending {
    Hello {
        channels: Vec<Resume>,
        denied: Vec<Recovery>,
    },
    Subscribe {
        request: u64,
        channels: Vec<Resume>,
    },
    Send {
        request: u64,
    },
}

/// What waits for the socket.
struct Queue {
    items: usize,
    bytes: usize,
    /// Since when nothing was taken.
    stalled_since: Option<u64>,
}

impl Session {
    /// A connection that has just been made.
    pub fn new(tokens: Arc<Tokens>, limits: Limits, connection_id: Uuid, now_ms: u64) -> Self {
        Self {
            tokens,
            limits,
            connection_id,
            state: State::AwaitingHello {
                deadline: now_ms + HELLO_MS,
            },
            heard_at: now_ms,
            ping_at: now_ms + u64::from(HEARTBEAT_MS),
            queue: Queue {
                items: 0,
                bytes: 0,
                stalled_since: None,
            },
            catch_up: CatchUp::Done,
            outputs: VecDeque::new(),
        }
    }

    /// What to do next; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Timeout`] if nothing happens before; `None` after the close.
    pub fn next_timeout(&self) -> Option<u64> {
        let expiry = match &self.state {
            State::AwaitingHello { deadline } => *deadline,
            State::Open(open) => open.identity.expires_at_ms,
            State::Closed => return None,
        };
        let stall = self
            .queue
            .stalled_since
            .map_or(u64::MAX, |since| since + STALL_MS);
        Some(
            expiry
                .min(self.ping_at)
                .min(self.heard_at + IDLE_MS)
                .min(stall),
        )
    }

    /// Whether more frames should be read: not while the client lets its own answers pile up.
    pub const fn wants_frames(&self) -> bool {
        self.queue.items < QUEUE_ITEMS * 2 && self.queue.bytes < QUEUE_BYTES * 4
    }

    /// Takes one input. `now_ms` never goes back.
    pub fn handle(&mut self, now_ms: u64, input: Input<'_>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        match input {
            Input::Frame(text) => {
                self.heard_at = now_ms;
                self.frame(now_ms, text);
            }
            Input::Binary => self.close(CloseCode::BinaryFrame),
            Input::TooLarge => self.close(CloseCode::FrameTooLarge),
            Input::Alive => self.heard_at = now_ms,
            Input::Committed(op, result) => self.committed(now_ms, op, result),
            Input::Heads(op, result) => self.heads(now_ms, op, result),
            Input::Page(channel, result) => self.page(now_ms, &channel, result),
            Input::Published(event) => self.published(now_ms, &event),
            Input::Lagged => {
                if let State::Open(open) = &mut self.state {
                    open.subscriptions
                        .values_mut()
                        .for_each(Subscription::lagged);
                }
                self.behind();
            }
            Input::Wrote(all) => {
                self.queue.wrote(now_ms, all);
            }
            Input::Shutdown => self.close(CloseCode::Shutdown),
            Input::Timeout => self.timeout(now_ms),
        }
        self.read_log();
    }

    fn timeout(&mut self, now_ms: u64) {
        let stalled = self
            .queue
            .stalled_since
            .is_some_and(|since| since + STALL_MS <= now_ms);
        match &self.state {
            State::AwaitingHello { deadline } if *deadline <= now_ms => {
                self.close(CloseCode::HelloTimeout)
            }
            State::Open(open) if open.identity.expires_at_ms <= now_ms => {
                self.close(CloseCode::TokenExpired)
            }
            State::AwaitingHello { .. } | State::Open(_) if self.heard_at + IDLE_MS <= now_ms => {
                self.close(CloseCode::IdleTimeout);
            }
            State::AwaitingHello { .. } | State::Open(_) if stalled => {
                self.close(CloseCode::Recover)
            }
            State::AwaitingHello { .. } | State::Open(_) => {
                if self.ping_at <= now_ms {
                    self.ping_at = now_ms + u64::from(HEARTBEAT_MS);
                    self.outputs.push_back(Output::Ping);
                }
            }
            State::Closed => {}
        }
    }

    fn close(&mut self, code: CloseCode) {
        self.state = State::Closed;
        self.outputs.push_back(Output::Close(code));
    }

    fn send(&mut self, now_ms: u64, item: impl Into<Arc<str>>) {
        let item = item.into();
        self.queue.add(now_ms, item.len());
        self.outputs.push_back(Output::Send(item));
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
            (State::AwaitingHello { .. }, ClientFrame::Hello(hello)) => self.hello(now_ms, hello),
            (State::Open(_), ClientFrame::Ping(number)) => {
                self.send(now_ms, format!(r#"{{"pong":{number}}}"#))
            }
            (State::Open(open), ClientFrame::Request { id, request }) => {
                if open.pending.len() < self.limits.requests_in_flight as usize {
                    open.refused_in_a_row = 0;
                    return self.request(now_ms, id, request);
                }
                open.refused_in_a_row += 1;
                if open.refused_in_a_row
                    > self
                        .limits
                        .requests_in_flight
                        .saturating_mul(FLOOD_FACTOR - 1)
                {
                    return self.close(CloseCode::Flood);
                }
                let message = "too many requests are unanswered";
                self.send(
                    now_ms,
                    error_text(id, &ErrorBody::new(ErrorCode::TooManyRequests, message)),
                );
            }
            (State::Open(_), ClientFrame::Refused { id, error }) => {
                self.send(now_ms, error_text(id, &error))
            }
            (
                State::AwaitingHello { .. },
                ClientFrame::Request { .. } | ClientFrame::Refused { .. } | ClientFrame::Ping(_),
            )
            | (State::Open(_), ClientFrame::Hello(_)) => self.close(CloseCode::MalformedFrame),
            (State::Closed, _) => {}
        }
    }

    fn hello(&mut self, now_ms: u64, hello: Hello) {
        let identity = match self.tokens.verify(&hello.token, now_ms) {
            Ok(identity) => identity,
            Err(error) if error.code == ErrorCode::TokenExpired => {
                return self.close(CloseCode::TokenExpired);
            }
            Err(_) => return self.close(CloseCode::TokenInvalid),
        };
        if hello.channels.len() > self.limits.channels_per_connection as usize {
            return self.close(CloseCode::MalformedFrame);
        }
        let mut open = Open {
            identity,
            subscriptions: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_op: 0,
            refused_in_a_row: 0,
            last_read: None,
        };
        let (mut channels, mut denied) = (Vec::new(), Vec::new());
        for resume in hello.channels {
            match open.identity.authorize(&resume.id) {
                Ok(()) => channels.push(resume),
                Err(error) => {
                    denied.push(Recovery {
                        id: resume.id,
                        cursor: None,
                        gap: None,
                        error: Some(error),
                    });
                }
            }
        }
        let ids = channels.iter().map(|resume| resume.id.clone()).collect();
        let op = open.begin(Pending::Hello { channels, denied });
        self.state = State::Open(open);
        self.ask_heads(op, ids);
    }

    fn request(&mut self, now_ms: u64, id: u64, request: Request) {
        let result = match request {
            Request::Subscribe(subscribe) => self.subscribe(id, subscribe),
            Request::SendMessage(send) => self.send_message(id, send),
            Request::Unsubscribe(unsubscribe) => Ok(Some(self.unsubscribe(id, unsubscribe))),
            Request::AuthRefresh(refresh) => self.auth_refresh(now_ms, id, &refresh).map(Some),
            Request::History(_) | Request::HistoryAround(_) => Err(ErrorBody::new(
                ErrorCode::Unavailable,
                "history: is not served yet",
            )),
        };
        match result {
            Ok(Some(reply)) => self.send(now_ms, reply),
            // It is answered when the store has answered.
            Ok(None) => {}
            Err(error) => self.send(now_ms, error_text(id, &error)),
        }
    }

    fn subscribe(
        &mut self,
        request: u64,
        Subscribe { channels }: Subscribe,
    ) -> Result<Option<String>, ErrorBody> {
        let State::Open(open) = &mut self.state else {
            return Ok(None);
        };
        if channels.is_empty() {
            return Err(ErrorBody::new(
                ErrorCode::InvalidArgument,
                "channels: must name at least one",
            ));
        }
        for resume in &channels {
            open.identity.authorize(&resume.id)?;
        }
        let fresh = channels
            .iter()
            .filter(|resume| !open.subscriptions.contains_key(&resume.id))
            .count();
        if open.subscriptions.len() + fresh > self.limits.channels_per_connection as usize {
            let limit = self.limits.channels_per_connection;
            let message = format!("channels: a connection may subscribe to {limit}");
            return Err(ErrorBody::new(ErrorCode::TooManyRequests, message));
        }
        let ids = channels.iter().map(|resume| resume.id.clone()).collect();
        let op = open.begin(Pending::Subscribe { request, channels });
        self.ask_heads(op, ids);
        Ok(None)
    }

    fn unsubscribe(&mut self, request: u64, Unsubscribe { channel_ids }: Unsubscribe) -> String {
        if let State::Open(open) = &mut self.state {
            for channel in channel_ids {
                if open.subscriptions.remove(&channel).is_some() {
                    self.outputs.push_back(Output::Leave(channel));
                }
            }
        }
        result_text(request, &serde_json::json!({}))
    }

    fn send_message(
        &mut self,
        request: u64,
        send: SendMessage,
    ) -> Result<Option<String>, ErrorBody> {
        let State::Open(open) = &mut self.state else {
            return Ok(None);
        };
        open.identity.authorize(&send.channel_id)?;
        check_message(&send, &self.limits)?;
        let user_id = open.identity.user_id.clone();
        let op = open.begin(Pending::Send { request });
        self.outputs
            .push_back(Output::Commit(op, Submission { user_id, send }));
        Ok(None)
    }

    fn auth_refresh(
        &mut self,
        now_ms: u64,
        request: u64,
        refresh: &AuthRefresh,
    ) -> Result<String, ErrorBody> {
        let identity = self.tokens.verify(&refresh.token, now_ms)?;
        if let State::Open(open) = &mut self.state {
            if identity.user_id != open.identity.user_id {
                return Err(ErrorBody::new(
                    ErrorCode::TokenInvalid,
                    "token: is another user's",
                ));
            }
            // A channel the new token does not open ends the connection: on the next one the welcome
            // says so, and the client tells its user.
            if open
                .subscriptions
                .keys()
                .any(|channel| identity.authorize(channel).is_err())
            {
                self.close(CloseCode::Recover);
                return Err(ErrorBody::new(
                    ErrorCode::ChannelForbidden,
                    "token: opens fewer channels",
                ));
            }
            open.identity = identity.clone();
        }
        let token_expires_in_ms = identity.expires_at_ms - now_ms;
        Ok(result_text(
            request,
            &AuthRefreshed {
                token_expires_in_ms,
            },
        ))
    }

    /// Joins channels that are new and asks where they all stand.
    fn ask_heads(&mut self, op: u64, ids: Vec<ChannelId>) {
        if let State::Open(open) = &mut self.state {
            for id in &ids {
                if !open.subscriptions.contains_key(id) {
                    open.subscriptions
                        .insert(id.clone(), Subscription::starting(op));
                    self.outputs.push_back(Output::Join(id.clone()));
                }
            }
        }
        self.outputs.push_back(Output::Heads(op, ids));
    }

    // Answers of the store.

    fn committed(&mut self, now_ms: u64, op: u64, result: Result<Committed, ErrorBody>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let Some(Pending::Send { request }) = open.pending.remove(&op) else {
            return;
        };
        let reply = match result {
            Ok(committed) => format!(
                r#"{{"id":{request},"result":{{"message":{}}}}}"#,
                committed.message
            ),
            Err(error) => error_text(request, &error),
        };
        self.send(now_ms, reply);
    }

    fn heads(&mut self, now_ms: u64, op: u64, result: Result<Vec<Cursor>, ErrorBody>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let pending = open.pending.remove(&op);
        // A subscription may start behind the head.
        if self.catch_up == CatchUp::Done {
            self.catch_up = CatchUp::Due;
        }
        match (pending, result) {
            (Some(Pending::Hello { channels, denied }), Ok(heads)) => {
                let mut recoveries = open.start(op, &channels, heads);
                recoveries.extend(denied);
                let welcome = Welcome {
                    connection_id: self.connection_id,
                    user_id: open.identity.user_id.to_string(),
                    heartbeat_ms: HEARTBEAT_MS,
                    token_expires_in_ms: open.identity.expires_at_ms.saturating_sub(now_ms),
                    limits: self.limits.clone(),
                    channels: recoveries,
                };
                self.send(now_ms, welcome_text(&welcome));
            }
            (Some(Pending::Subscribe { request, channels }), Ok(heads)) => {
                let channels = open.start(op, &channels, heads);
                self.send(now_ms, result_text(request, &Subscribed { channels }));
            }
            (Some(Pending::Hello { .. }), Err(_)) => self.close(CloseCode::Internal),
            (Some(Pending::Subscribe { request, channels }), Err(error)) => {
                for Resume { id, .. } in channels {
                    let later = open.later_subscribe(op, &id);
                    let Some(subscription) = open
                        .subscriptions
                        .get_mut(&id)
                        .filter(|subscription| subscription.awaits(op))
                    else {
                        continue;
                    };
                    match later {
                        Some(later) => subscription.wait_for(later),
                        None => {
                            open.subscriptions.remove(&id);
                            self.outputs.push_back(Output::Leave(id));
                        }
                    }
                }
                self.send(now_ms, error_text(request, &error));
            }
            (Some(Pending::Send { .. }) | None, _) => {}
        }
    }

    fn page(&mut self, now_ms: u64, channel: &ChannelId, result: Result<Vec<LogEvent>, ErrorBody>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let Ok(events) = result else {
            return self.close(CloseCode::Internal);
        };
        self.catch_up = CatchUp::Due;
        let events = open
            .subscriptions
            .get_mut(channel)
            .map(|subscription| subscription.page(events));
        for event in events.unwrap_or_default() {
            self.send(now_ms, event.push);
        }
    }

    // Events.

    fn published(&mut self, now_ms: u64, event: &LogEvent) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let room = self.queue.items < QUEUE_ITEMS && self.queue.bytes < QUEUE_BYTES;
        let verdict = event
            .log
            .channel()
            .and_then(|channel| open.subscriptions.get_mut(channel))
            .map(|subscription| subscription.published(event, room));
        match verdict {
            Some(Verdict::Send) => self.send(now_ms, event.push.clone()),
            Some(Verdict::Skip) => self.behind(),
            None => {}
        }
    }

    fn behind(&mut self) {
        if self.catch_up == CatchUp::Done {
            self.catch_up = CatchUp::Due;
        }
    }

    /// Reads on for those who are behind, a page at a time and only when the socket has taken all before:
    /// a slow reader costs no more memory than a page.
    fn read_log(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if self.catch_up != CatchUp::Due || self.queue.items > 0 {
            return;
        }
        self.catch_up = CatchUp::Done;
        if let Some((channel, after)) = open.next_read() {
            self.catch_up = CatchUp::Reading;
            self.outputs.push_back(Output::Read(channel, after));
        }
    }
}

impl Open {
    fn begin(&mut self, pending: Pending) -> u64 {
        let op = self.next_op;
        self.next_op += 1;
        self.pending.insert(op, pending);
        op
    }

    /// Begins the next read that is due. Channels take turns: a busy one keeps no other waiting.
    fn next_read(&mut self) -> Option<(ChannelId, u64)> {
        let last = self.last_read.take();
        let after = |id: &ChannelId| last.as_ref().is_some_and(|last| id > last);
        let begin = |(id, subscription): (&ChannelId, &mut Subscription)| {
            subscription.begin_read().map(|after| (id.clone(), after))
        };
        let later = self
            .subscriptions
            .iter_mut()
            .filter(|(id, _)| after(id))
            .find_map(begin);
        let next = later.or_else(|| self.subscriptions.iter_mut().find_map(begin));
        self.last_read = next.as_ref().map(|(id, _)| id.clone());
        next
    }

    /// A later subscribe to the channel that has not been answered.
    fn later_subscribe(&self, op: u64, channel: &ChannelId) -> Option<u64> {
        let names = |pending: &Pending| match pending {
            Pending::Subscribe { channels, .. } => {
                channels.iter().any(|resume| resume.id == *channel)
            }
            Pending::Hello { .. } | Pending::Send { .. } => false,
        };
        self.pending
            .range(op + 1..)
            .find(|(_, pending)| names(pending))
            .map(|(later, _)| *later)
    }

    /// Starts the subscriptions that waited for this operation and tells where each of these stands.
    fn start(&mut self, op: u64, channels: &[Resume], heads: Vec<Cursor>) -> Vec<Recovery> {
        let mut recoveries = Vec::new();
        for (resume, head) in channels.iter().zip(heads) {
            let mut gap = None;
            let mut cursor = Some(head.clone());
            if let Some(subscription) = self.subscriptions.get_mut(&resume.id) {
                if subscription.awaits(op) {
                    gap = subscription.start(resume.cursor.as_ref(), head);
                }
                if subscription.is_started() {
                    cursor = Some(subscription.cursor());
                }
            }
            recoveries.push(Recovery {
                id: resume.id.clone(),
                cursor,
                gap,
                error: None,
            });
        }
        recoveries
    }
}

impl Queue {
    fn add(&mut self, now_ms: u64, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
        self.stalled_since.get_or_insert(now_ms);
    }

    fn wrote(&mut self, now_ms: u64, all: bool) {
        if all {
            *self = Self {
                items: 0,
                bytes: 0,
                stalled_since: None,
            };
        } else {
            self.stalled_since = Some(now_ms);
        }
    }
}

/// Checks a message's sizes, the same for both roads a message may come.
///
/// # Errors
/// `content-too-large` or `invalid-argument`, naming what is wrong.
pub fn check_message(send: &SendMessage, limits: &Limits) -> Result<(), ErrorBody> {
    let too_large = |name: &str, limit: u32| {
        Err(ErrorBody::new(
            ErrorCode::ContentTooLarge,
            format!("{name}: must be at most {limit} bytes"),
        ))
    };
    if send.content.len() > limits.content_bytes as usize {
        return too_large("content", limits.content_bytes);
    }
    if send
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.get().len() > limits.metadata_bytes as usize)
    {
        return too_large("metadata", limits.metadata_bytes);
    }
    if send.file_ids.len() > limits.files_per_message as usize {
        let message = format!("files: a message may have {}", limits.files_per_message);
        return Err(ErrorBody::new(ErrorCode::InvalidArgument, message));
    }
    Ok(())
}
