//! One connection's bytes and times: what it has sent that is not processed yet, and until when it must go on.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Context,
    time::Instant,
};

use alo_protocol::HELLO_BYTES;

use super::{Budget, Patience, Reservation, Slot};

/// Unfinished bytes of a connection that are not counted: small frames cost no shared work.
const FREE: usize = 4 * 1024;
/// What may be received beyond a hello while it is read: its frame's head and the start of later frames.
const READ_AHEAD: usize = 8 * 1024;

/// Why a connection is cut by its meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// The budget has no room for it.
    #[error("too much is buffered")]
    Overloaded,
    /// More than a hello can have.
    #[error("the hello is too large")]
    TooLarge,
    /// It took too long.
    #[error("it took too long")]
    Slow,
    /// Its slot was needed.
    #[error("its place was needed")]
    Evicted,
}

impl From<Cut> for io::Error {
    fn from(cut: Cut) -> Self {
        Self::other(cut)
    }
}

impl Cut {
    /// The cut that an error of reading stands for.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// See the module. Shared by a connection's stream, its requests and its WebSocket.
pub struct Meter {
    budget: Budget,
    patience: Patience,
    state: Mutex<State>,
}

struct State {
    slot: Slot,
    phase: Phase,
    unfinished: usize,
    held: Reservation,
    cut: Option<Cut>,
}

/// What the connection is at, and since when.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No request was ever sent, or one has begun: its head is read.
    Head(Instant),
    /// Between requests.
    Idle(Instant),
    /// A request is processed.
    Request,
    /// A WebSocket before its first message.
    Hello,
    /// A WebSocket between messages.
    Open,
    /// A WebSocket within a message.
    Message(Instant),
}

impl Meter {
    /// For a connection that was just opened.
    pub fn new(mut slot: Slot, budget: Budget, patience: Patience) -> Self {
        slot.set_waiting(true);
        let held = budget.reservation();
        Self {
            budget,
            patience,
            state: Mutex::new(State {
                slot,
                phase: Phase::Head(Instant::now()),
                unfinished: 0,
                held,
                cut: None,
            }),
        }
    }

    /// How long things may take.
    pub const fn patience(&self) -> Patience {
        self.patience
    }

    /// Memory for what is not read from the stream alone, such as a whole body.
    pub fn reservation(&self) -> Reservation {
        self.budget.reservation()
    }

    /// A request's head is complete.
    pub fn requested(&self) {
        self.state().proceed(Phase::Request, false);
    }

    /// The answer is written.
    pub fn answered(&self) {
        let mut state = self.state();
        // Not when it is a WebSocket by now.
        if let Phase::Request = state.phase {
            state.proceed(Phase::Idle(Instant::now()), true);
        }
    }

    /// The connection is a WebSocket now.
    pub fn upgraded(&self) {
        self.state().proceed(Phase::Hello, true);
    }

    /// A WebSocket message is complete.
    pub fn received_message(&self) {
        self.state().proceed(Phase::Open, false);
    }

    /// A WebSocket ping or pong with so much content is complete; it may come within a message.
    pub fn received_control(&self, payload: usize) {
        let mut state = self.state();
        // Head and mask, as control frames are short (RFC 6455, 5.5).
        state.unfinished = state.unfinished.saturating_sub(payload + 6);
        if state.unfinished == 0
            && let Phase::Message(_) = state.phase
        {
            state.phase = Phase::Open;
        }
    }

    /// The stream has read bytes.
    ///
    /// # Errors
    /// When the connection must be cut.
    pub fn read(&self, bytes: usize) -> Result<(), Cut> {
        let mut state = self.state();
        if let Phase::Request = state.phase {
            return Ok(());
        }
        let now = Instant::now();
        match state.phase {
            Phase::Idle(_) => state.phase = Phase::Head(now),
            Phase::Open => state.phase = Phase::Message(now),
            Phase::Head(_) | Phase::Message(_) | Phase::Hello | Phase::Request => {}
        }
        if self.deadline_of(state.phase).is_some_and(|at| at <= now) {
            return Err(state.cut(Cut::Slow));
        }
        state.unfinished += bytes;
        let unfinished = state.unfinished;
        if let Phase::Hello = state.phase
            && unfinished > HELLO_BYTES + READ_AHEAD
        {
            return Err(state.cut(Cut::TooLarge));
        }
        if unfinished > FREE && !state.held.grow(unfinished - FREE) {
            return Err(state.cut(Cut::Overloaded));
        }
        Ok(())
    }

    /// Whether the connection is cut already; the task of `cx` is woken when that is due to its slot.
    pub fn cut(&self, cx: &Context<'_>) -> Option<Cut> {
        let mut state = self.state();
        if state.cut.is_none() && state.slot.is_lost(cx) {
            state.cut(Cut::Evicted);
        }
        state.cut
    }

    /// Whether its slot was needed; the task of `cx` is woken when it is.
    pub fn is_evicted(&self, cx: &Context<'_>) -> bool {
        self.state().slot.is_lost(cx)
    }

    /// Cuts the connection.
    pub fn cut_slow(&self) -> Cut {
        self.state().cut(Cut::Slow)
    }

    /// Until when more must be read.
    pub fn deadline(&self) -> Option<Instant> {
        let phase = self.state().phase;
        self.deadline_of(phase)
    }

    /// The connection is closed as far as anyone may notice: it only waits for the client to do the same.
    pub fn closing(&self) {
        self.state().proceed(Phase::Request, true);
    }

    fn deadline_of(&self, phase: Phase) -> Option<Instant> {
        match phase {
            Phase::Head(since) => since.checked_add(self.patience.head),
            Phase::Idle(since) => since.checked_add(self.patience.idle),
            Phase::Message(since) => since.checked_add(self.patience.message),
            // A session has its own time for hello and for idleness.
            Phase::Request | Phase::Hello | Phase::Open => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What was received is processed. Whoever waits may lose its slot.
    fn proceed(&mut self, phase: Phase, waits: bool) {
        let waited = match self.phase {
            Phase::Head(_) | Phase::Idle(_) | Phase::Hello => true,
            Phase::Request | Phase::Open | Phase::Message(_) => false,
        };
        if waited || waits {
            self.slot.set_waiting(waits);
        }
        self.phase = phase;
        self.unfinished = 0;
        self.held.clear();
    }

    fn cut(&mut self, cut: Cut) -> Cut {
        self.unfinished = 0;
        self.held.clear();
        *self.cut.get_or_insert(cut)
    }
}

/// Reports that an answer is written when it is dropped, as a body is after its last byte.
pub struct Answering(Arc<Meter>);

impl Answering {
    /// For an answer on this connection.
    pub const fn new(meter: Arc<Meter>) -> Self {
        Self(meter)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answered();
    }
}
