//! The client: takes inputs, drives its parts, returns outputs. Here are its calls and uploads; [`link`] opens
//! and keeps the connection, [`exchange`] sends and receives over it, [`auth`] has the token, [`restore`] loads
//! what earlier pages have left unsent.

mod auth;
mod exchange;
mod link;
mod restore;

use std::collections::VecDeque;

use alo_protocol::{ChannelId, ErrorCode, Limits, Uuid};

use self::{auth::token_expired, restore::Restore};
use super::{
    CallId, Error, Event, FileMeta, Frame, HttpId, HttpReply, Input, Instant, Kept, KeptFile, Lane,
    Method, Output, Payload, Request, Settled, SocketId, Storage, UploadId,
    asked::{Asked, AskedList},
    backoff::Backoff,
    connection::{Connection, Loss},
    in_flight::{InFlight, Purpose},
    io::Context,
    outbox::{Entry, Outbox, State},
    pending::{Kind, Pending, Progress, Room},
    rate::Rate,
    subscriptions::Subscriptions,
    time::earlier,
    token::Token,
    uploads::{Finished, Uploads},
};

/// Fresh tokens refused in a row after which the client stops.
const TOKEN_REFUSALS: u32 = 2;

/// The configuration of a client.
#[derive(Clone, Debug)]
pub struct Config<P> {
    /// Seeds jitter and idempotency keys; take it from a good source of randomness.
    pub seed: u64,
    /// Whether a new token can be fetched when one expires.
    pub token_renewable: bool,
    /// Commands that may wait.
    pub outbox_limit: usize,
    /// Files uploaded at the same time.
    pub parallel_uploads: usize,
    /// Whether unsent commands are kept after the page is closed, and those of earlier pages are sent.
    pub outbox_kept: bool,
    /// Which device of the user this is, as JSON text.
    pub device: P,
}

/// One user's chat, without input or output.
#[derive(Debug)]
pub struct Client<P> {
    rng: fastrand::Rng,
    device: P,
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
    restore: Restore,
    uploads: Uploads,
    pending: Vec<Pending>,
    asked: AskedList<P>,
    in_flight: InFlight,
    /// Of commands, and of all other requests.
    rates: [Rate; 2],
    /// `connect()` calls that wait for the welcome.
    connects: Vec<CallId>,
    /// Calls that wait for the token.
    token_calls: Vec<CallId>,
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

impl<P: Payload> Client<P> {
    /// A client that is not connected.
    pub fn new(config: Config<P>) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(config.seed),
            device: config.device,
            token_renewable: config.token_renewable,
            limits: Limits::DEFAULT,
            connection: Connection::Idle,
            backoff: Backoff::NEW,
            token: Token::default(),
            token_failures: 0,
            token_refusals: 0,
            token_not_before: Instant(0),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::new(config.outbox_limit),
            restore: Restore::new(config.outbox_kept),
            uploads: Uploads::new(config.parallel_uploads, config.outbox_kept),
            pending: Vec::new(),
            asked: AskedList::new(),
            in_flight: InFlight::NEW,
            rates: [Rate::Free; 2],
            connects: Vec::new(),
            token_calls: Vec::new(),
            next_socket: 1,
            outputs: VecDeque::new(),
        }
    }

    /// The next output; `None` when there is none left.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Timeout`] if nothing happens before.
    pub fn next_timeout(&self) -> Option<Instant> {
        let token = earlier(self.token.fetch_deadline(), self.fetch_due());
        let work = earlier(self.uploads.next_timeout(), self.restore.deadline());
        let [commands, others] = self.rates.map(Rate::deadline);
        let work = earlier(work, earlier(commands, others));
        earlier(token, earlier(self.connection.deadline(), work))
    }

    /// Takes one input. `now` never decreases.
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
                self.subscribe(now, call, channels);
            }
            Input::Unsubscribe(call, channels) => {
                for channel in &channels {
                    self.subscriptions.remove(channel);
                }
                for earlier in &mut self.pending {
                    earlier.leave(&channels);
                }
                self.pend(call, &Kind::Unsubscribe, channels);
                self.want_connection(now);
            }
            Input::Request(call, request) => self.requested(now, call, request),
            Input::Restored(commands) => self.restored(now, commands),
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
        self.restore.elapse(now);
        for rate in &mut self.rates {
            rate.elapse(now);
        }
        self.pump_requests();
        self.pump_uploads(now);
        self.pump_token(now);
    }

    fn subscribe(&mut self, now: Instant, call: CallId, channels: Vec<ChannelId>) {
        let known = channels
            .iter()
            .all(|channel| self.subscriptions.contains(channel));
        if known && self.pending.is_empty() && self.connection.online().is_some() {
            return self.settle(call, Ok(Settled::Done));
        }
        self.pend(call, &Kind::Subscribe, channels);
        self.want_connection(now);
    }

    /// Queues a call, in as many parts as it needs requests.
    fn pend(&mut self, call: CallId, kind: &Kind, mut channels: Vec<ChannelId>) {
        loop {
            let mut room = Room::new(usize::MAX, self.largest_body());
            let fit = channels
                .iter()
                .take_while(|channel| room.takes(channel))
                .count();
            let rest = channels.split_off(fit);
            self.pending.push(Pending {
                call,
                kind: kind.clone(),
                channels,
                progress: Progress::Waiting,
            });
            if rest.is_empty() {
                return;
            }
            channels = rest;
        }
    }

    fn requested(&mut self, now: Instant, call: CallId, Request { body, bytes, lane }: Request<P>) {
        let again = match lane {
            Lane::Once { unix_ms, files } => {
                return self.command(now, call, (body, bytes), unix_ms, files);
            }
            Lane::Retry => true,
            Lane::Now if self.connection.greeted().is_none() => {
                return self.settle(call, Err(offline()));
            }
            Lane::Now => false,
        };
        self.asked.push(Asked {
            call,
            body,
            bytes,
            again,
            sent: false,
        });
        self.want_connection(now);
    }

    fn command(
        &mut self,
        now: Instant,
        call: CallId,
        (body, bytes): (P, u32),
        unix_ms: u64,
        files: Vec<(UploadId, FileMeta)>,
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
        let files: Vec<_> = files
            .into_iter()
            .map(|(upload, meta)| KeptFile {
                upload,
                meta,
                key: self.new_key(unix_ms),
                location: None,
            })
            .collect();
        if self.restore.is_kept() {
            let (body, files) = (body.clone(), files.clone());
            let kept = Kept {
                key,
                body,
                bytes,
                files,
            };
            self.outputs.push_back(Output::Storage(Storage::Keep(kept)));
        }
        for file in files {
            self.uploads.add(file);
        }
        self.outbox.push(Entry {
            call,
            key,
            body,
            bytes,
            files: ids,
            state,
            tried: false,
        });
        self.want_connection(now);
    }

    fn abort(&mut self, now: Instant, call: CallId) {
        let error = Error::new(ErrorCode::Aborted, "the signal was aborted");
        if let Some(entry) = self.outbox.take_unsent(call) {
            return self.drop_entry(now, entry, error);
        }
        let waited = self.token_calls.iter().position(|waiting| *waiting == call);
        if let Some(index) = waited {
            self.token_calls.remove(index);
        }
        if waited.is_some() || self.asked.take(call).is_some() {
            self.settle(call, Err(error));
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

    /// Settles an entry taken out of the outbox with an error, and cancels its remaining uploads.
    fn drop_entry(&mut self, now: Instant, entry: Entry<P>, error: Error) {
        let aborted = error.is(ErrorCode::Aborted);
        let ids: Vec<_> = entry.files.iter().map(|(id, _)| *id).collect();
        let mut ctx = context!(self, now);
        self.uploads
            .cancel(&mut ctx, self.token.get(), ids, aborted);
        self.settle_entry(&entry, Err(error));
    }

    /// Settles the call of an entry taken out of the outbox.
    fn settle_entry(&mut self, entry: &Entry<P>, result: Result<Settled<P>, Error>) {
        if self.restore.is_kept() {
            let forget = Storage::Forget(entry.key);
            self.outputs.push_back(Output::Storage(forget));
        }
        self.settle(entry.call, result);
    }

    /// Settles every open call with the same error.
    fn end_calls(&mut self, now: Instant, error: &Error) {
        self.in_flight.clear();
        let mut calls = std::mem::take(&mut self.connects);
        for pending in std::mem::take(&mut self.pending) {
            calls.push(pending.call);
        }
        // A call has several parts, one behind the other. What is confirmed of it is not resumed.
        calls.dedup();
        self.subscriptions.undo_all();
        calls.append(&mut self.token_calls);
        calls.append(&mut self.asked.take_all());
        for call in calls {
            self.settle(call, Err(error.clone()));
        }
        for entry in self.outbox.take_all() {
            self.drop_entry(now, entry, error.clone());
        }
    }

    fn pump_uploads(&mut self, now: Instant) {
        let mut ctx = context!(self, now);
        self.uploads.pump(&mut ctx, self.token.numbered());
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
            Some(Finished::TokenRefused(generation)) => {
                // Requests may be refused for a token that has been replaced meanwhile.
                if self.token.refuse_numbered(generation) {
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

    /// Sends a request and returns its id.
    fn request(&mut self, socket: SocketId, purpose: Purpose, method: Method<P>) -> u32 {
        let id = self.in_flight.add(purpose);
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

/// The error of what is only useful now, while there is no connection.
fn offline() -> Error {
    Error::new(ErrorCode::Unavailable, "there is no connection")
}

/// For tests and the shell.
impl<P> Client<P> {
    /// Whether the channel is subscribed and confirmed.
    pub fn is_subscribed(&self, channel: &ChannelId) -> bool {
        self.subscriptions.contains(channel)
    }
}
