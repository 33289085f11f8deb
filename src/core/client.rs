//! The client: takes inputs, moves the parts, gives outputs.

use std::collections::VecDeque;

use alo_protocol::{ChannelId, CloseCode, ErrorCode, Limits, Reconnect, Uuid};

use super::{
    CallId, Draft, Error, Event, FileMeta, Frame, HttpId, HttpReply, Incoming, Input, Instant,
    Method, Output, Recovery, Reply, Settled, SocketId, UploadId, Welcome,
    backoff::Backoff,
    connection::{
        Beat, Connection, Loss, OPEN_MS, PONG_MS, PROBE_MS, SLEPT_MS, STABLE_MS, TOKEN_MS,
    },
    control::{Control, Kind},
    io::Context,
    outbox::{Entry, Outbox, State},
    subscriptions::{Subscriptions, Verdict},
    time::earlier,
    token::Token,
    uploads::{Finished, Uploads},
};

/// Failures of `authToken` in a row after which the client stops.
const TOKEN_FAILURES: u32 = 5;
/// Fresh tokens refused in a row after which the client stops.
const TOKEN_REFUSALS: u32 = 2;
/// Room in a frame for what surrounds a message's body.
const FRAME_OVERHEAD: u32 = 4_096;

/// What a client is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Seeds jitter and idempotency keys; take it from a good source of randomness.
    pub seed: u64,
    /// Whether another token can be had when one expires.
    pub token_renewable: bool,
    /// Messages that may wait.
    pub outbox_limit: usize,
    /// Files uploaded at the same time.
    pub parallel_uploads: usize,
}

/// One user's chat, without input or output.
#[derive(Debug)]
pub struct Client<P> {
    rng: fastrand::Rng,
    token_renewable: bool,
    limits: Limits,
    connection: Connection,
    backoff: Backoff,
    token: Token,
    token_failures: u32,
    token_refusals: u32,
    token_not_before: Instant,
    subscriptions: Subscriptions,
    outbox: Outbox<P>,
    uploads: Uploads,
    control: VecDeque<Control>,
    /// `connect()` calls that wait for the welcome.
    connects: Vec<CallId>,
    /// Calls that wait for the token.
    token_calls: Vec<CallId>,
    refresh_request: Option<u32>,
    next_request: u32,
    next_socket: u32,
    outputs: VecDeque<Output<P>>,
}

macro_rules! context {
    ($client:ident, $now:expr) => {
        Context {
            now: $now,
            rng: &mut $client.rng,
            out: &mut $client.outputs,
        }
    };
}

impl<P: Clone> Client<P> {
    /// A client that is not connected.
    pub fn new(config: Config) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(config.seed),
            token_renewable: config.token_renewable,
            limits: Limits::DEFAULT,
            connection: Connection::Idle,
            backoff: Backoff::NEW,
            token: Token::Missing,
            token_failures: 0,
            token_refusals: 0,
            token_not_before: Instant(0),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::new(config.outbox_limit),
            uploads: Uploads::new(config.parallel_uploads),
            control: VecDeque::new(),
            connects: Vec::new(),
            token_calls: Vec::new(),
            refresh_request: None,
            next_request: 1,
            next_socket: 1,
            outputs: VecDeque::new(),
        }
    }

    /// What to do next; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Timeout`] if nothing happens before.
    pub fn next_timeout(&self) -> Option<Instant> {
        let renew_at = if self.token_renewable {
            self.token.renew_at()
        } else {
            None
        };
        let token = match self.token {
            Token::Missing if self.wants_token() => Some(self.token_not_before),
            Token::Missing | Token::Fetching | Token::Held { .. } => {
                renew_at.filter(|_| self.connection.online().is_some())
            }
        };
        earlier(
            token,
            earlier(self.connection.deadline(), self.uploads.next_timeout()),
        )
    }

    /// Takes one input. `now` never goes back.
    pub fn handle(&mut self, now: Instant, input: Input<'_, P>) {
        match input {
            Input::Received(socket, incoming) => return self.received(now, socket, incoming),
            Input::Connect(call) => {
                if self.connection.online().is_some() {
                    self.settle(call, Ok(Settled::Done));
                } else {
                    self.connects.push(call);
                    self.want_connection(now);
                }
            }
            Input::Disconnect(call) => self.disconnect(now, call),
            Input::Subscribe(call, channels) => {
                self.control(now, Control::new(call, Kind::Subscribe, channels))
            }
            Input::Unsubscribe(call, channels) => {
                for channel in &channels {
                    self.subscriptions.remove(channel);
                }
                self.control(now, Control::new(call, Kind::Unsubscribe, channels));
            }
            Input::Send {
                call,
                draft,
                files,
                unix_ms,
            } => self.send(now, call, draft, files, unix_ms),
            Input::Token { call, refused } => self.token_wanted(call, refused),
            Input::Abort(call) => self.abort(now, call),
            Input::TokenFetched(result) => self.token_fetched(now, result),
            Input::SocketOpened(socket) => self.socket_opened(now, socket),
            Input::SocketClosed(socket, code) => {
                if self.connection.socket() == Some(socket) {
                    self.lost(now, Loss::Closed(code));
                }
            }
            Input::HttpDone(id, reply) => self.http_done(now, id, reply),
            Input::Wake => self.wake(now),
            Input::Timeout => self.timeout(now),
        }
        self.pump_requests();
        self.pump_uploads(now);
        self.pump_token(now);
    }

    // Calls.

    fn control(&mut self, now: Instant, control: Control) {
        let known = control
            .channels
            .iter()
            .all(|channel| self.subscriptions.contains(channel));
        if control.kind == Kind::Subscribe
            && known
            && self.control.is_empty()
            && self.connection.online().is_some()
        {
            return self.settle(control.call, Ok(Settled::Subscribed(control.channels)));
        }
        self.control.push_back(control);
        self.want_connection(now);
    }

    fn send(
        &mut self,
        now: Instant,
        call: CallId,
        draft: Draft<P>,
        files: Vec<(UploadId, FileMeta)>,
        unix_ms: u64,
    ) {
        if self.outbox.is_full() {
            for (id, _) in files {
                self.outputs.push_back(Output::ReleaseUpload(id));
            }
            let error = Error::new(
                ErrorCode::OutboxFull,
                "too many messages are waiting to be sent",
            );
            return self.settle(call, Err(error));
        }
        let key = self.new_key(unix_ms);
        let state = if files.is_empty() {
            State::Ready
        } else {
            State::Uploading
        };
        let ids = files.iter().map(|(id, _)| (*id, None)).collect();
        for (id, meta) in files {
            let key = self.new_key(unix_ms);
            self.uploads.add(id, meta, key);
        }
        self.outbox.push(Entry {
            call,
            key,
            draft,
            files: ids,
            state,
        });
        self.want_connection(now);
    }

    fn abort(&mut self, now: Instant, call: CallId) {
        if let Some(entry) = self.outbox.take_unsent(call) {
            self.drop_entry(
                now,
                entry,
                Error::new(ErrorCode::Aborted, "the signal was aborted"),
            );
        } else if let Some(index) = self.token_calls.iter().position(|waiting| *waiting == call) {
            self.token_calls.remove(index);
            self.settle(
                call,
                Err(Error::new(ErrorCode::Aborted, "the signal was aborted")),
            );
        }
    }

    fn disconnect(&mut self, now: Instant, call: CallId) {
        self.close_socket();
        if self.connection.online().is_some() {
            self.emit(Event::Disconnected);
        }
        self.connection = Connection::Idle;
        self.backoff.reset();
        self.end_calls(
            now,
            &Error::new(ErrorCode::Disconnected, "disconnect() was called"),
        );
        self.settle(call, Ok(Settled::Done));
    }

    /// Settles an entry that is out of the outbox with an error, and ends what is left of its uploads.
    fn drop_entry(&mut self, now: Instant, entry: Entry<P>, error: Error) {
        let why = if error.is(ErrorCode::Aborted) {
            ErrorCode::Aborted
        } else {
            ErrorCode::UploadFailed
        };
        let ids: Vec<_> = entry.files.iter().map(|(id, _)| *id).collect();
        let mut ctx = context!(self, now);
        self.uploads.cancel(&mut ctx, self.token.get(), ids, why);
        self.settle(entry.call, Err(error));
    }

    /// Settles every open call with the same error.
    fn end_calls(&mut self, now: Instant, error: &Error) {
        self.refresh_request = None;
        for call in std::mem::take(&mut self.connects) {
            self.settle(call, Err(error.clone()));
        }
        for control in std::mem::take(&mut self.control) {
            self.settle(control.call, Err(error.clone()));
        }
        for call in std::mem::take(&mut self.token_calls) {
            self.settle(call, Err(error.clone()));
        }
        for entry in self.outbox.take_all() {
            self.drop_entry(now, entry, error.clone());
        }
    }

    // The token.

    fn wants_token(&self) -> bool {
        !self.token_calls.is_empty()
            || self.uploads.wants_token()
            || matches!(self.connection, Connection::AwaitingToken { .. })
            || (self.token_renewable && self.connection.online().is_some())
    }

    fn token_wanted(&mut self, call: CallId, refused: Option<String>) {
        if let Some(refused) = refused {
            self.token_refused(&refused);
        }
        match self.token.get() {
            Some(token) => {
                let token = token.to_owned();
                self.settle(call, Ok(Settled::Token(token)));
            }
            None if self.token_usable() => self.token_calls.push(call),
            None => self.settle(call, Err(token_expired())),
        }
    }

    /// A given token string that was refused stays refused.
    fn token_usable(&self) -> bool {
        self.token_renewable || self.token_refusals == 0
    }

    /// The gateway refused this token; a newer one may be held already.
    fn token_refused(&mut self, refused: &str) {
        if self.token.get() == Some(refused) {
            self.token = Token::Missing;
            self.token_refusals += 1;
        }
    }

    fn pump_token(&mut self, now: Instant) {
        let fetch = match self.token {
            Token::Missing => self.wants_token() && self.token_not_before <= now,
            Token::Held { .. } | Token::Fetching => false,
        };
        if fetch && self.token.start_fetch() {
            self.outputs.push_back(Output::FetchToken);
        }
    }

    fn token_fetched(&mut self, now: Instant, result: Result<String, String>) {
        match result {
            Ok(token) => {
                self.token_failures = 0;
                for call in std::mem::take(&mut self.token_calls) {
                    self.settle(call, Ok(Settled::Token(token.clone())));
                }
                if let Some(socket) = self.connection.online() {
                    let id = self.request(socket, Method::Refresh(token.clone()));
                    self.refresh_request = Some(id);
                }
                self.token = Token::Held {
                    token,
                    renew_at: None,
                };
                if matches!(self.connection, Connection::AwaitingToken { .. }) {
                    self.open_socket(now);
                }
            }
            Err(reason) => {
                let error = Error::new(ErrorCode::TokenUnavailable, format!("authToken: {reason}"));
                self.no_token(now, error);
            }
        }
    }

    fn no_token(&mut self, now: Instant, error: Error) {
        self.token = Token::Missing;
        self.token_failures += 1;
        for call in std::mem::take(&mut self.token_calls) {
            self.settle(call, Err(error.clone()));
        }
        if matches!(self.connection, Connection::AwaitingToken { .. }) {
            self.lost(now, Loss::NoToken(error));
        } else {
            self.token_not_before = now.plus(self.backoff.next(&mut self.rng));
        }
    }

    // The connection.

    fn want_connection(&mut self, now: Instant) {
        match self.connection {
            Connection::Idle | Connection::Failed => {
                self.token_failures = 0;
                self.token_refusals = 0;
                self.connect(now);
            }
            Connection::AwaitingToken { .. }
            | Connection::Opening { .. }
            | Connection::Greeting { .. }
            | Connection::Online { .. }
            | Connection::Waiting { .. } => {}
        }
    }

    fn connect(&mut self, now: Instant) {
        let stale = self.token_renewable
            && self
                .token
                .renew_at()
                .is_some_and(|renew_at| renew_at <= now);
        if stale {
            self.token = Token::Missing;
        }
        if self.token.get().is_some() {
            self.open_socket(now);
        } else {
            self.connection = Connection::AwaitingToken {
                deadline: now.plus(TOKEN_MS),
            };
            self.token_not_before = now;
        }
    }

    fn open_socket(&mut self, now: Instant) {
        let socket = SocketId(self.next_socket);
        self.next_socket += 1;
        self.connection = Connection::Opening {
            socket,
            deadline: now.plus(OPEN_MS),
        };
        self.outputs.push_back(Output::OpenSocket(socket));
    }

    fn close_socket(&mut self) {
        if let Some(socket) = self.connection.socket() {
            self.outputs.push_back(Output::CloseSocket(socket));
        }
    }

    fn socket_opened(&mut self, now: Instant, opened: SocketId) {
        match (&self.connection, self.token.get()) {
            (Connection::Opening { socket, .. }, Some(token)) if *socket == opened => {
                let hello = Frame::Hello {
                    token: token.to_owned(),
                    channels: self.subscriptions.cursors(),
                };
                self.connection = Connection::Greeting {
                    socket: opened,
                    deadline: now.plus(OPEN_MS),
                };
                self.outputs.push_back(Output::SendFrame(opened, hello));
            }
            // The token was refused elsewhere while the socket opened.
            (Connection::Opening { socket, .. }, None) if *socket == opened => {
                self.close_socket();
                self.connect(now);
            }
            (_, _) => {}
        }
    }

    fn welcomed(&mut self, now: Instant, socket: SocketId, welcome: Welcome) {
        let heartbeat_ms = u64::from(welcome.heartbeat_ms.max(1_000));
        self.connection = Connection::Online {
            socket,
            since: now,
            heartbeat_ms,
            beat: Beat::Heard {
                ping_at: now.plus(heartbeat_ms),
            },
        };
        self.token_refusals = 0;
        self.token.expires_in(now, welcome.token_expires_in_ms);
        self.limits = welcome.limits;
        self.emit(Event::Connected);
        for recovery in welcome.channels {
            // A channel left since hello is not taken up again.
            if self.subscriptions.contains(&recovery.channel) {
                self.recovered(recovery);
            }
        }
        for call in std::mem::take(&mut self.connects) {
            self.settle(call, Ok(Settled::Done));
        }
    }

    fn recovered(
        &mut self,
        Recovery {
            channel,
            cursor,
            gap,
        }: Recovery,
    ) {
        match cursor {
            Some(cursor) => {
                self.subscriptions.set(channel.clone(), cursor);
                if gap.is_some() {
                    self.emit(Event::Gap(channel, gap));
                }
            }
            None => {
                self.subscriptions.remove(&channel);
                self.emit(Event::Gap(channel, None));
            }
        }
    }

    /// The connection is gone, or could not be made.
    fn lost(&mut self, now: Instant, loss: Loss) {
        if let Connection::Online { since, .. } = self.connection {
            if now.since(since) >= STABLE_MS {
                self.backoff.reset();
            }
            self.emit(Event::Disconnected);
        }
        if let Loss::TimedOut | Loss::Resume = loss {
            self.close_socket();
        }
        self.outbox.connection_lost();
        self.refresh_request = None;
        for control in &mut self.control {
            control.request = None;
        }
        if let Some(error) = self.why_stop(&loss) {
            return self.fail(now, error);
        }
        let delay_ms = self.backoff.next(&mut self.rng);
        self.connection = Connection::Waiting {
            until: now.plus(delay_ms),
        };
        self.token_not_before = now.plus(delay_ms);
        self.emit(Event::Reconnecting {
            attempt: self.backoff.failures(),
            delay_ms,
        });
    }

    /// The error that makes another try pointless, if there is one.
    fn why_stop(&mut self, loss: &Loss) -> Option<Error> {
        match loss {
            Loss::TimedOut | Loss::Resume => None,
            Loss::NoToken(error) => (self.token_failures >= TOKEN_FAILURES).then(|| error.clone()),
            Loss::Closed(code) => match CloseCode::reconnect_after(*code) {
                Reconnect::Retry => None,
                Reconnect::Never => Some(Error::new(
                    ErrorCode::MalformedFrame,
                    format!(
                        "the gateway closed the connection with code {code}: it does not understand this client"
                    ),
                )),
                Reconnect::WithNewToken => {
                    self.token = Token::Missing;
                    self.token_refusals += 1;
                    let hopeless = !self.token_renewable || self.token_refusals > TOKEN_REFUSALS;
                    hopeless.then(|| {
                        if *code == CloseCode::TokenExpired.code() {
                            token_expired()
                        } else {
                            Error::new(
                                ErrorCode::TokenInvalid,
                                "authToken: the gateway does not accept the token",
                            )
                        }
                    })
                }
            },
        }
    }

    fn fail(&mut self, now: Instant, error: Error) {
        self.connection = Connection::Failed;
        self.backoff.reset();
        self.emit(Event::Failed(error.clone()));
        self.end_calls(now, &error);
    }

    fn wake(&mut self, now: Instant) {
        self.uploads.wake();
        self.token_not_before = now;
        match self.connection {
            Connection::Waiting { .. } => self.connect(now),
            Connection::Online {
                beat: Beat::Heard { .. },
                ..
            } => self.ping(now, PROBE_MS),
            Connection::Online {
                beat: Beat::Pinged { .. },
                ..
            }
            | Connection::Idle
            | Connection::AwaitingToken { .. }
            | Connection::Opening { .. }
            | Connection::Greeting { .. }
            | Connection::Failed => {}
        }
    }

    fn timeout(&mut self, now: Instant) {
        if self
            .connection
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            match &self.connection {
                Connection::AwaitingToken { .. } => {
                    self.no_token(
                        now,
                        Error::new(
                            ErrorCode::TokenUnavailable,
                            "authToken: gave no token in time",
                        ),
                    );
                }
                Connection::Opening { .. } | Connection::Greeting { .. } => {
                    self.lost(now, Loss::TimedOut)
                }
                Connection::Waiting { .. } => self.connect(now),
                Connection::Online {
                    beat: Beat::Pinged { give_up_at },
                    ..
                } if now.since(*give_up_at) < SLEPT_MS => {
                    self.lost(now, Loss::TimedOut);
                }
                Connection::Online { .. } => self.ping(now, PONG_MS),
                Connection::Idle | Connection::Failed => {}
            }
        }
        let renew = self
            .token
            .renew_at()
            .is_some_and(|renew_at| renew_at <= now);
        if renew
            && self.token_renewable
            && self.connection.online().is_some()
            && self.token.start_fetch()
        {
            self.outputs.push_back(Output::FetchToken);
        }
    }

    fn ping(&mut self, now: Instant, patience_ms: u64) {
        if let Connection::Online { socket, beat, .. } = &mut self.connection {
            *beat = Beat::Pinged {
                give_up_at: now.plus(patience_ms),
            };
            self.outputs
                .push_back(Output::SendFrame(*socket, Frame::Ping));
        }
    }

    // Frames.

    fn received(&mut self, now: Instant, from: SocketId, incoming: Incoming<'_, P>) {
        match (&mut self.connection, incoming) {
            (
                Connection::Online {
                    socket,
                    heartbeat_ms,
                    beat,
                    ..
                },
                incoming,
            ) if *socket == from => {
                *beat = Beat::Heard {
                    ping_at: now.plus(*heartbeat_ms),
                };
                match incoming {
                    Incoming::Push {
                        channel,
                        epoch,
                        seq,
                        event,
                    } => match self.subscriptions.accept(channel, epoch, seq) {
                        Verdict::Deliver => self.emit(Event::Pushed(event)),
                        Verdict::Drop => {}
                        Verdict::Resume => self.lost(now, Loss::Resume),
                    },
                    Incoming::Reply(id, result) => {
                        self.replied(now, id, result);
                        self.pump_requests();
                    }
                    Incoming::Pong | Incoming::Welcome(_) => {}
                }
            }
            (Connection::Greeting { socket, .. }, Incoming::Welcome(welcome))
                if *socket == from =>
            {
                self.welcomed(now, from, welcome);
                self.pump_requests();
            }
            (_, _) => {}
        }
    }

    fn replied(&mut self, now: Instant, id: u32, result: Result<Reply<P>, Error>) {
        if self.refresh_request == Some(id) {
            self.refresh_request = None;
            // A refused renewal is no loss yet: the gateway closes when the old token expires.
            if let Ok(Reply {
                token_expires_in_ms: Some(ms),
                ..
            }) = result
            {
                self.token.expires_in(now, ms);
            }
        } else if let Some(entry) = self.outbox.take_request(id) {
            let settled = result
                .and_then(|reply| reply.message.ok_or_else(no_result))
                .map(Settled::Sent);
            self.settle(entry.call, settled);
        } else if let Some(index) = self
            .control
            .iter()
            .position(|control| control.request == Some(id))
            && let Some(control) = self.control.remove(index)
        {
            self.confirmed(control, result);
        }
    }

    fn confirmed(&mut self, control: Control, result: Result<Reply<P>, Error>) {
        let Control {
            call,
            kind,
            channels,
            ..
        } = control;
        let settled = match (kind, result) {
            (Kind::Subscribe, Ok(reply)) => {
                for recovery in reply.channels {
                    // An active channel keeps its own cursor: its pushes have moved it on.
                    if !self.subscriptions.contains(&recovery.channel) {
                        self.recovered(recovery);
                    }
                }
                Ok(Settled::Subscribed(channels))
            }
            (Kind::Unsubscribe, Ok(_)) => {
                for channel in &channels {
                    self.subscriptions.remove(channel);
                }
                Ok(Settled::Done)
            }
            (_, Err(error)) => Err(error),
        };
        self.settle(call, settled);
    }

    // Sending what waits.

    fn pump_requests(&mut self) {
        let Some(socket) = self.connection.online() else {
            return;
        };
        for index in 0..self.control.len() {
            if self.control[index].request.is_none() {
                let method = self.control[index].method();
                self.control[index].request = Some(self.request(socket, method));
            }
        }
        let window = usize::try_from(self.limits.requests_in_flight / 2)
            .unwrap_or(usize::MAX)
            .max(1);
        let mut free = window.saturating_sub(self.outbox.in_flight() + self.control.len());
        while free > 0 {
            let request = self.next_request;
            let too_large = self.limits.frame_bytes.saturating_sub(FRAME_OVERHEAD);
            let Some(entry) = self.outbox.next_ready() else {
                return;
            };
            entry.state = State::InFlight { request };
            if entry.draft.body_bytes > too_large {
                let call = entry.call;
                self.outbox.take_request(request);
                let error = Error::new(
                    ErrorCode::ContentTooLarge,
                    format!("content: with metadata it must stay below {too_large} bytes"),
                );
                self.settle(call, Err(error));
                continue;
            }
            let method = Method::Send {
                key: entry.key,
                draft: entry.draft.clone(),
                files: entry.files.iter().filter_map(|(_, file)| *file).collect(),
            };
            self.request(socket, method);
            free -= 1;
        }
    }

    fn pump_uploads(&mut self, now: Instant) {
        let mut ctx = context!(self, now);
        self.uploads.pump(&mut ctx, self.token.get());
    }

    fn http_done(&mut self, now: Instant, id: HttpId, reply: Option<HttpReply>) {
        let mut ctx = context!(self, now);
        match self.uploads.answered(&mut ctx, id, reply) {
            Some(Finished::Complete(upload, file)) => self.outbox.file_done(upload, file),
            Some(Finished::Failed(upload, error)) => {
                if let Some(entry) = self.outbox.take_upload(upload) {
                    self.drop_entry(now, entry, error);
                }
            }
            Some(Finished::TokenRefused) => {
                // Of several requests refused with one token the first counts.
                if self.token.get().is_some() {
                    self.token = Token::Missing;
                    self.token_refusals += 1;
                }
                if !self.token_usable() || self.token_refusals > TOKEN_REFUSALS {
                    self.close_socket();
                    if self.connection.online().is_some() {
                        self.emit(Event::Disconnected);
                    }
                    self.fail(now, token_expired());
                }
            }
            None => {}
        }
    }

    // Small helpers.

    fn request(&mut self, socket: SocketId, method: Method<P>) -> u32 {
        let id = self.next_request;
        self.next_request = self.next_request.wrapping_add(1);
        self.outputs
            .push_back(Output::SendFrame(socket, Frame::Request(id, method)));
        id
    }

    fn new_key(&mut self, unix_ms: u64) -> Uuid {
        Uuid::v7(unix_ms, std::array::from_fn(|_| self.rng.u8(..)))
    }

    fn emit(&mut self, event: Event<P>) {
        self.outputs.push_back(Output::Emit(event));
    }

    fn settle(&mut self, call: CallId, result: Result<Settled<P>, Error>) {
        self.outputs.push_back(Output::Settle(call, result));
    }
}

fn token_expired() -> Error {
    Error::new(
        ErrorCode::TokenExpired,
        "authToken: the token is no longer accepted; give a function to have it renewed",
    )
}

fn no_result() -> Error {
    Error::new(ErrorCode::Internal, "the gateway's reply holds no message")
}

/// The channels of a list, for tests and the shell.
impl<P> Client<P> {
    /// Whether the channel is subscribed and confirmed.
    pub fn is_subscribed(&self, channel: &ChannelId) -> bool {
        self.subscriptions.contains(channel)
    }
}
