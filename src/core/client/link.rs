//! The connection: opened, greeted, kept alive, lost and opened again.

use super::{Client, TOKEN_REFUSALS, auth::token_expired, offline};
use crate::core::{
    Error, Event, Frame, Instant, Output, Payload, Recovery, Settled, SocketId, Storage, Welcome,
    connection::{
        Beat, Connection, EARLY_BYTES, Loss, OPEN_MS, PONG_MS, PROBE_MS, SLEPT_MS, STABLE_MS,
    },
    text::{concat, digits},
};
use alo_protocol::{CloseCode, ErrorCode, Reconnect};

/// Failures of `authToken` in a row after which the client stops.
const TOKEN_FAILURES: u32 = 5;

impl<P: Payload> Client<P> {
    pub(super) fn want_connection(&mut self, now: Instant) {
        match self.connection {
            Connection::Idle | Connection::Failed => {
                self.token_failures = 0;
                self.token_refusals = 0;
                self.connect(now);
            }
            Connection::AwaitingToken
            | Connection::Opening { .. }
            | Connection::Greeting { .. }
            | Connection::Online { .. }
            | Connection::Waiting { .. } => {}
        }
    }

    pub(super) fn connect(&mut self, now: Instant) {
        if self.token_renewable {
            self.token.expire(now);
        }
        if self.token.get().is_some() {
            self.open_socket(now);
        } else {
            self.connection = Connection::AwaitingToken;
            self.token_not_before = now;
        }
    }

    pub(super) fn open_socket(&mut self, now: Instant) {
        let socket = SocketId(self.next_socket);
        self.next_socket += 1;
        self.connection = Connection::Opening {
            socket,
            deadline: now.plus(OPEN_MS),
        };
        self.outputs.push_back(Output::OpenSocket(socket));
    }

    pub(super) fn close_socket(&mut self) {
        if let Some(socket) = self.connection.socket() {
            self.outputs.push_back(Output::CloseSocket(socket));
        }
    }

    pub(super) fn socket_opened(&mut self, now: Instant, opened: SocketId) {
        match (&self.connection, self.token.get()) {
            (Connection::Opening { socket, .. }, Some(token)) if *socket == opened => {
                let hello = Frame::Hello {
                    token: token.to_owned(),
                    device: self.device.clone(),
                };
                self.subscriptions.connection_lost();
                self.connection = Connection::Greeting {
                    socket: opened,
                    deadline: now.plus(OPEN_MS),
                    room: EARLY_BYTES,
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

    pub(super) fn welcomed(&mut self, now: Instant, socket: SocketId, welcome: Welcome) {
        let heartbeat_ms = u64::from(welcome.heartbeat_ms.max(1_000));
        self.connection = Connection::Online {
            socket,
            since: now,
            heartbeat_ms,
            beat: Beat::Received {
                ping_at: now.plus(heartbeat_ms),
            },
        };
        self.token_refusals = 0;
        self.token.expires_in(now, welcome.token_expires_in_ms);
        self.limits = welcome.limits;
        if self.restore.ask(now) {
            let user = welcome.user;
            self.outputs
                .push_back(Output::Storage(Storage::Restore { user }));
        }
        self.emit(Event::Connected);
        for call in std::mem::take(&mut self.connects) {
            self.settle(call, Ok(Settled::Done));
        }
    }

    /// A subscribed channel continues elsewhere, or not at all.
    #[inline(never)]
    pub(super) fn recovered(
        &mut self,
        Recovery {
            channel,
            cursor,
            gap,
        }: Recovery,
    ) {
        match cursor {
            Some(cursor) => {
                self.subscriptions.set(&channel, cursor);
                if gap.is_some() {
                    self.emit(Event::Gap(channel, gap));
                }
            }
            None => {
                self.subscriptions.remove(&channel);
                // A call that waits for its other parts must not resolve without this channel.
                for part in &mut self.pending {
                    if part.decides(&channel) {
                        part.unconfirm();
                    }
                }
                self.emit(Event::Gap(channel, None));
            }
        }
    }

    /// The connection is lost, or could not be opened.
    pub(super) fn lost(&mut self, now: Instant, loss: Loss) {
        let (cause, message) = loss.cause(&self.connection);
        if let Connection::Online { since, .. } = self.connection {
            if now.since(since) >= STABLE_MS {
                self.backoff.reset();
            }
            self.emit(Event::Disconnected);
        }
        if let Loss::TimedOut | Loss::Resume = loss {
            self.close_socket();
        }
        self.in_flight.clear();
        self.outbox.connection_lost();
        for pending in &mut self.pending {
            pending.connection_lost();
        }
        for call in self.asked.connection_lost() {
            self.settle(call, Err(offline()));
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
            cause,
            message,
        });
    }

    /// The error that makes another try pointless, if there is one.
    pub(super) fn why_stop(&mut self, loss: &Loss) -> Option<Error> {
        match loss {
            Loss::TimedOut | Loss::Resume => None,
            Loss::NoToken(error) => (self.token_failures >= TOKEN_FAILURES).then(|| error.clone()),
            Loss::Closed(code) => match CloseCode::reconnect_after(*code) {
                Reconnect::Retry => None,
                Reconnect::Never if *code == CloseCode::OriginForbidden.code() => Some(Error::new(
                    ErrorCode::OriginForbidden,
                    "the gateway does not allow the page's origin",
                )),
                Reconnect::Never => Some(Error::new(
                    ErrorCode::MalformedFrame,
                    concat(&[
                        "the gateway closed the connection with code ",
                        &digits(u64::from(*code)),
                        ": it does not understand this client",
                    ]),
                )),
                Reconnect::WithNewToken => {
                    self.token.refuse();
                    self.token_refusals += 1;
                    let hopeless = !self.token_renewable || self.token_refusals > TOKEN_REFUSALS;
                    hopeless.then(|| {
                        let refused = if *code == CloseCode::TokenExpired.code() {
                            return token_expired();
                        } else if *code == CloseCode::TokenRevoked.code() {
                            ErrorCode::TokenRevoked
                        } else {
                            ErrorCode::TokenInvalid
                        };
                        Error::new(refused, "authToken: the gateway does not accept the token")
                    })
                }
            },
        }
    }

    pub(super) fn fail(&mut self, now: Instant, error: Error) {
        self.connection = Connection::Failed;
        self.backoff.reset();
        self.emit(Event::Failed(error.clone()));
        self.end_calls(now, &error);
    }

    pub(super) fn wake(&mut self, now: Instant) {
        self.uploads.wake();
        self.token_not_before = now;
        match self.connection {
            Connection::Waiting { .. } => self.connect(now),
            Connection::Online {
                beat: Beat::Received { .. },
                ..
            } => self.ping(now, PROBE_MS),
            Connection::Online {
                beat: Beat::Pinged { .. },
                ..
            }
            | Connection::Idle
            | Connection::AwaitingToken
            | Connection::Opening { .. }
            | Connection::Greeting { .. }
            | Connection::Failed => {}
        }
    }

    pub(super) fn timeout(&mut self, now: Instant) {
        if self
            .connection
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            match &self.connection {
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
                Connection::Idle | Connection::AwaitingToken | Connection::Failed => {}
            }
        }
    }

    pub(super) fn ping(&mut self, now: Instant, patience_ms: u64) {
        if let Connection::Online { socket, beat, .. } = &mut self.connection {
            *beat = Beat::Pinged {
                give_up_at: now.plus(patience_ms),
            };
            self.outputs
                .push_back(Output::SendFrame(*socket, Frame::Ping));
        }
    }
}
