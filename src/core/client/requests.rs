//! Frames from the gateway, and the requests that wait to be sent.

use super::Client;
use crate::core::{
    Error, Event, Incoming, Instant, Method, Reply, Settled, SocketId,
    connection::{Beat, Connection, Loss},
    control::{Control, Kind},
    outbox::State,
    subscriptions::Verdict,
    text::{concat, digits},
};
use alo_protocol::ErrorCode;

/// Room in a frame for what surrounds a message's body.
const FRAME_OVERHEAD: u32 = 4_096;

impl<P: Clone> Client<P> {
    pub(super) fn received(&mut self, now: Instant, from: SocketId, incoming: Incoming<'_, P>) {
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

    pub(super) fn replied(&mut self, now: Instant, id: u32, result: Result<Reply<P>, Error>) {
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
            self.settle_entry(&entry, settled);
        } else if let Some(index) = self
            .control
            .iter()
            .position(|control| control.request == Some(id))
        {
            let control = self.control.remove(index);
            self.confirmed(control, result);
        }
    }

    pub(super) fn confirmed(&mut self, control: Control, result: Result<Reply<P>, Error>) {
        let settled = match (control.kind, result) {
            (Kind::Subscribe, Ok(reply)) => {
                for recovery in reply.channels {
                    // An active channel keeps its own cursor: its pushes have moved it on.
                    if control.decides(&recovery.channel)
                        && !self.subscriptions.contains(&recovery.channel)
                    {
                        self.recovered(recovery);
                    }
                }
                Ok(control.done())
            }
            (Kind::Unsubscribe, Ok(_)) => Ok(control.done()),
            (_, Err(error)) => Err(error),
        };
        self.settle(control.call, settled);
    }

    // Sending what waits.

    /// Asks for subscriptions in the order of the calls. Sends have a window of their own, so that neither
    /// holds up the other.
    fn pump_control(&mut self, socket: SocketId, window: usize) {
        let mut index = 0;
        while index < self.control.len().min(window) {
            if self.control[index].request.is_none() {
                let Some(method) = self.control[index].method() else {
                    // Later calls have decided about all of it.
                    let control = self.control.remove(index);
                    self.settle(control.call, Ok(control.done()));
                    continue;
                };
                self.control[index].request = Some(self.request(socket, method));
            }
            index += 1;
        }
    }

    pub(super) fn pump_requests(&mut self) {
        let Some(socket) = self.connection.online() else {
            return;
        };
        let window = usize::try_from(self.limits.requests_in_flight / 2)
            .unwrap_or(usize::MAX)
            .max(1);
        self.pump_control(socket, window);
        if self.restore.holds_sends() {
            return;
        }
        let asked = self
            .control
            .iter()
            .filter(|control| control.request.is_some())
            .count();
        let mut free = window.saturating_sub(self.outbox.in_flight() + asked);
        while free > 0 {
            let request = self.next_request;
            let too_large = self.limits.frame_bytes.saturating_sub(FRAME_OVERHEAD);
            let Some(entry) = self.outbox.next_ready() else {
                return;
            };
            entry.state = State::InFlight { request };
            if entry.draft.body_bytes > too_large {
                let error = Error::new(
                    ErrorCode::ContentTooLarge,
                    concat(&[
                        "content: with metadata it must stay below ",
                        &digits(u64::from(too_large)),
                        " bytes",
                    ]),
                );
                if let Some(entry) = self.outbox.take_request(request) {
                    self.settle_entry(&entry, Err(error));
                }
                continue;
            }
            let method = Method::Send {
                key: entry.key,
                draft: entry.draft.clone(),
                files: entry.files.iter().filter_map(|(_, file)| *file).collect(),
            };
            entry.tried = true;
            self.request(socket, method);
            free -= 1;
        }
    }
}

fn no_result() -> Error {
    Error::new(ErrorCode::Internal, "the gateway's reply holds no message")
}
