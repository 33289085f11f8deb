//! What goes over the connection: requests that wait to be sent, frames from the gateway.

use super::Client;
use crate::core::{
    Error, Event, Incoming, Instant, Method, Payload, Settled, SocketId,
    backoff::not_before,
    codec::{decode_ms, decode_recoveries},
    connection::{Beat, Connection, Loss},
    in_flight::Purpose,
    outbox::State,
    pending::{Kind, Pending, Progress, Room, bytes},
    subscriptions::Verdict,
    text::{concat, digits},
};
use alo_protocol::ErrorCode;

/// Room in a frame for what surrounds a request's body.
const FRAME_OVERHEAD: u32 = 4_096;

impl<P: Payload> Client<P> {
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
                if let Beat::Pinged { .. } = beat {
                    *beat = Beat::Received {
                        ping_at: now.plus(*heartbeat_ms),
                    };
                }
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
                    Incoming::Gap(recovery) => {
                        if self.subscriptions.contains(&recovery.channel) {
                            self.recovered(recovery);
                            self.pump_requests();
                        }
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
            // Gateways welcome first; a call must not stay open if one does not.
            (Connection::Greeting { socket, .. }, Incoming::Reply(id, result))
                if *socket == from =>
            {
                self.replied(now, id, result);
                self.pump_requests();
            }
            (_, _) => {}
        }
    }

    fn replied(&mut self, now: Instant, id: u32, result: Result<P, Error>) {
        let purpose = self.in_flight.take(id);
        if let (Some(purpose), Err(error)) = (purpose, &result)
            && let Some(ms) = error.retry_after_ms
            && self.waits(now, id, purpose, ms)
        {
            return;
        }
        match purpose {
            Some(Purpose::Refresh) => {
                // A refused renewal does not end the connection: the gateway closes when the old token expires.
                let ms = result
                    .ok()
                    .and_then(|result| decode_ms(&result, "tokenExpiresInMs"));
                if let Some(ms) = ms {
                    self.token.expires_in(now, ms);
                }
            }
            Some(Purpose::Once(call)) => {
                if let Some(entry) = self.outbox.take(call) {
                    self.settle_entry(&entry, result.map(Settled::Value));
                }
            }
            Some(Purpose::Asked(call)) if self.asked.take(call).is_some() => {
                self.settle(call, result.map(Settled::Value));
            }
            Some(Purpose::Subscription(_)) => {
                let sent = |pending: &Pending| pending.progress == Progress::Sent(id);
                if let Some(index) = self.pending.iter().position(sent) {
                    self.confirmed(index, result);
                }
            }
            Some(Purpose::Resume(_)) => self.resumed(now, id, result),
            // No call waits for it any more.
            Some(Purpose::Asked(_)) | None => {}
        }
    }

    /// A rate is exceeded: the request is sent again when the time has come, before all others of its kind. False if
    /// it does not wait.
    fn waits(&mut self, now: Instant, id: u32, purpose: Purpose, ms: u32) -> bool {
        let waits = match purpose {
            Purpose::Once(call) => self.outbox.refused(call),
            Purpose::Asked(call) => self.asked.refused(call),
            Purpose::Subscription(_) => {
                let mut pending = self.pending.iter_mut();
                let refused = pending.find(|pending| pending.progress == Progress::Sent(id));
                refused.map(Pending::connection_lost).is_some()
            }
            Purpose::Resume(_) => self.subscriptions.refused(id),
            Purpose::Refresh => false,
        };
        if waits {
            let until = now.plus(not_before(&mut self.rng, ms));
            self.rates[usize::from(!is_command(&purpose))].exceeded(until);
        }
        waits
    }

    fn confirmed(&mut self, index: usize, result: Result<P, Error>) {
        let pending = &self.pending[index];
        match (&pending.kind, result) {
            (Kind::Subscribe, Ok(result)) => {
                for recovery in decode_recoveries(&result).unwrap_or_default() {
                    if pending.decides(&recovery.channel)
                        && let Some(cursor) = recovery.cursor
                    {
                        self.subscriptions
                            .add(recovery.channel, cursor, pending.call);
                    }
                }
                self.part_done(index);
            }
            (Kind::Unsubscribe | Kind::Undo(_), Ok(_)) | (Kind::Undo(_), Err(_)) => {
                self.part_done(index);
            }
            (Kind::Subscribe | Kind::Unsubscribe, Err(error)) => {
                let part = self.pending.remove(index);
                self.undo(part, error);
            }
        }
    }

    /// A part of a call is done; the call is settled with its last part.
    fn part_done(&mut self, index: usize) {
        let Pending { call, progress, .. } = &mut self.pending[index];
        *progress = Progress::Done;
        let call = *call;
        let mut parts = self.pending.iter().filter(|other| other.call == call);
        if parts.all(|part| part.progress == Progress::Done) {
            let mut result = Ok(Settled::Done);
            for part in std::mem::take(&mut self.pending) {
                match part.kind {
                    _ if part.call != call => self.pending.push(part),
                    Kind::Subscribe => self.subscriptions.settled(&part.channels),
                    Kind::Unsubscribe => {}
                    Kind::Undo(error) => result = Err(error),
                }
            }
            self.settle(call, result);
        }
    }

    /// A part of a call was refused, and so is the call: leaves what other parts of it have subscribed to, unless
    /// another call asks for it.
    fn undo(&mut self, refused: Pending, error: Error) {
        let call = refused.call;
        // Where it was confirmed on an earlier connection.
        let mut left = refused.channels;
        left.retain(|channel| self.subscriptions.contains(channel));
        for part in std::mem::take(&mut self.pending) {
            if part.call != call {
                self.pending.push(part);
            } else if part.progress != Progress::Waiting {
                left.extend(part.channels);
            }
        }
        left.retain(|channel| {
            let is_wanted = |other: &&Pending| other.subscribes() && other.decides(channel);
            let other = self.pending.iter().find(is_wanted).map(|other| other.call);
            self.subscriptions.undo(channel, call, other)
        });
        if left.is_empty() {
            self.settle(call, Err(error));
        } else {
            self.pend(call, &Kind::Undo(error), left);
        }
    }

    /// Each channel that was named has an answer of its own. One without would be a silent hole: the connection is
    /// tried again.
    fn resumed(&mut self, now: Instant, id: u32, result: Result<P, Error>) {
        let recoveries = result.ok().and_then(|result| decode_recoveries(&result));
        for recovery in recoveries.unwrap_or_default() {
            if self.subscriptions.is_resumed_by(id, &recovery.channel) {
                self.recovered(recovery);
            }
        }
        if self.subscriptions.await_answer(id) {
            self.lost(now, Loss::Resume);
        }
    }

    // Sending.

    /// Sends what may be sent. Requests follow right after `hello`: the gateway processes them in order after it.
    /// Each kind has a share of the gateway's limit, so that none holds up another.
    pub(super) fn pump_requests(&mut self) {
        let Some(socket) = self.connection.greeted() else {
            return;
        };
        let commands = self.in_flight.count(is_command);
        let others = self.in_flight.count(|purpose| !is_command(purpose));
        if self.rates[1].allows(others) {
            self.pump_resumes(socket);
            if !self.subscriptions.are_named() {
                return;
            }
            // What is lost must not start at the head first.
            if self.subscriptions.are_live() {
                self.pump_subscriptions(socket);
            }
            self.pump_asked(socket);
        }
        if !self.restore.holds_commands() && self.rates[0].allows(commands) {
            self.pump_outbox(socket);
        }
    }

    /// How many requests of a kind may be sent now: their share is so many sixteenths of the gateway's limit, and
    /// together they stay one below the limit, reserved for the renewal of the token.
    fn free(&self, sixteenths: u32, of: fn(&Purpose) -> bool) -> usize {
        let limit = self.limits.requests_in_flight;
        let left = |most: u32, used: usize| (most.max(1) as usize).saturating_sub(used);
        left(
            limit.saturating_mul(sixteenths) / 16,
            self.in_flight.count(of),
        )
        .min(left(
            limit.saturating_sub(1),
            self.in_flight.count(|_| true),
        ))
    }

    /// How many more channels unanswered requests may name.
    fn free_names(&self) -> usize {
        (self.limits.channels_per_connection as usize).saturating_sub(self.in_flight.named())
    }

    /// Resumes the subscriptions of the connection before, ahead of all else.
    fn pump_resumes(&mut self, socket: SocketId) {
        while self.free(16, |_| true) > 0 {
            let room = Room::new(self.free_names(), self.largest_body());
            let id = self.in_flight.next_id();
            let channels = self.subscriptions.resume(id, room);
            if channels.is_empty() {
                return;
            }
            let purpose = Purpose::Resume(channels.len());
            self.request(socket, purpose, Method::Resume(channels));
        }
    }

    /// Requests subscriptions in the order of the calls.
    fn pump_subscriptions(&mut self, socket: SocketId) {
        let mut free = self.free(1, |purpose| matches!(purpose, Purpose::Subscription(_)));
        let mut index = 0;
        while free > 0 && index < self.pending.len() {
            let pending = &self.pending[index];
            if pending.progress == Progress::Waiting {
                let named = pending.channels.len();
                if named == 0 {
                    // Later calls have decided about all of it.
                    self.part_done(index);
                    index = 0;
                    continue;
                }
                // One too large for the gateway goes out alone, and is refused.
                if named > self.free_names() && self.in_flight.named() > 0 {
                    return;
                }
                let (method, bytes) = (pending.method(), pending.channels.iter().map(bytes).sum());
                if !self.connection.takes(bytes) {
                    return;
                }
                let id = self.request(socket, Purpose::Subscription(named), method);
                self.pending[index].progress = Progress::Sent(id);
                free -= 1;
            }
            index += 1;
        }
    }

    fn pump_asked(&mut self, socket: SocketId) {
        let mut free = self.free(1, |purpose| matches!(purpose, Purpose::Asked(_)));
        while free > 0 {
            let most = self.largest_body();
            let Some(asked) = self.asked.next_ready() else {
                return;
            };
            let call = asked.call;
            if asked.bytes > most {
                self.asked.take(call);
                self.settle(call, Err(too_large("params: must stay below ", most)));
                continue;
            }
            if !self.connection.takes(asked.bytes) {
                return;
            }
            asked.sent = true;
            let method = Method::Other(asked.body.clone());
            self.request(socket, Purpose::Asked(call), method);
            free -= 1;
        }
    }

    fn pump_outbox(&mut self, socket: SocketId) {
        let mut free = self.free(14, is_command);
        while free > 0 {
            let most = self.largest_body();
            let Some(entry) = self.outbox.next_ready() else {
                return;
            };
            let call = entry.call;
            if entry.bytes > most {
                let error = too_large("content: with metadata it must stay below ", most);
                if let Some(entry) = self.outbox.take(call) {
                    self.settle_entry(&entry, Err(error));
                }
                continue;
            }
            if !self.connection.takes(entry.bytes) {
                return;
            }
            (entry.state, entry.tried) = (State::InFlight, true);
            let method = Method::Once {
                body: entry.body.clone(),
                key: entry.key,
                files: entry.files.iter().filter_map(|(_, file)| *file).collect(),
            };
            self.request(socket, Purpose::Once(call), method);
            free -= 1;
        }
    }

    /// Larger bodies exceed a frame, which would close the connection.
    pub(super) fn largest_body(&self) -> u32 {
        self.limits.frame_bytes.saturating_sub(FRAME_OVERHEAD)
    }
}

fn is_command(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Once(_))
}

fn too_large(what: &str, bytes: u32) -> Error {
    Error::new(
        ErrorCode::ContentTooLarge,
        concat(&[what, &digits(u64::from(bytes)), " bytes"]),
    )
}
