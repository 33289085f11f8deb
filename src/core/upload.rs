//! One file on its way up by tus 1.0: create with the first bytes, append slices, ask for the offset
//! after trouble and go on from there. <https://tus.io/protocols/resumable-upload>

use alo_protocol::{ErrorCode, Uuid};

use super::{
    Error, FileMeta, HttpId, HttpReply, HttpRequest, Instant, KeptFile, UploadId,
    backoff::Backoff,
    pace::Pace,
    text::{concat, digits, last_segment},
};

/// How long one request may take, milliseconds. A connection whose other end is gone tells nothing; what
/// came of a slow one is kept by the gateway, so ending it loses nothing.
const REQUEST_MS: u64 = 60_000;
/// Answers in a row that blame the server before the upload fails. A network that fails is no answer
/// and is waited for.
const SERVER_FAILURES: u32 = 8;

/// An upload and where it stands.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) id: UploadId,
    pub(super) meta: FileMeta,
    pub(super) state: State,
    /// Idempotency key of the creation.
    pub(super) key: Uuid,
    pub(super) location: Option<String>,
    offset: u64,
    pace: Pace,
    backoff: Backoff,
    server_failures: u32,
}

/// The states of an upload.
#[derive(Debug)]
pub(super) enum State {
    /// Waits for its turn, or for the token, to take this step.
    Queued(Step),
    /// A request is under way.
    Busy {
        http: HttpId,
        step: Step,
        started: Instant,
        deadline: Instant,
        /// The number of the token it carries.
        generation: u32,
    },
    /// Waits after a failure to take this step.
    Waiting { until: Instant, step: Step },
}

/// What an upload does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Append,
    Probe,
}

/// What an answer has led to.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// Some bytes more are up: this percentage.
    Progress(u8),
    /// All are.
    Complete(Uuid),
    /// It will be tried again.
    Retry,
    /// The token was refused.
    TokenRefused,
    /// It cannot go on.
    Failed(Error),
}

impl Upload {
    /// One that begins, or goes on where an earlier page has left it.
    pub(super) fn new(
        KeptFile {
            upload,
            meta,
            key,
            location,
        }: KeptFile,
    ) -> Self {
        let step = if location.is_some() {
            Step::Probe
        } else {
            Step::Create
        };
        Self {
            id: upload,
            meta,
            state: State::Queued(step),
            key,
            location,
            offset: 0,
            pace: Pace::NEW,
            backoff: Backoff::NEW,
            server_failures: 0,
        }
    }

    fn request(&self, step: Step) -> HttpRequest {
        let length = self.pace.slice().min(self.meta.size - self.offset);
        match (step, &self.location) {
            (Step::Append, Some(location)) => HttpRequest::Append {
                location: location.clone(),
                offset: self.offset,
                length,
            },
            (Step::Probe, Some(location)) => HttpRequest::Probe {
                location: location.clone(),
            },
            (Step::Create, _) | (_, None) => HttpRequest::Create {
                key: self.key,
                length,
            },
        }
    }

    /// Sends the request of a step.
    pub(super) fn start(
        &mut self,
        now: Instant,
        http: HttpId,
        step: Step,
        generation: u32,
    ) -> HttpRequest {
        self.state = State::Busy {
            http,
            step,
            started: now,
            deadline: now.plus(REQUEST_MS),
            generation,
        };
        self.request(step)
    }

    /// Wakes from a wait, and gives up a request that takes too long: it is named, to be cancelled.
    pub(super) fn elapse(&mut self, now: Instant, rng: &mut fastrand::Rng) -> Option<HttpId> {
        match self.state {
            State::Waiting { until, step } if until <= now => {
                self.state = State::Queued(step);
                None
            }
            State::Busy { http, deadline, .. } if deadline <= now => {
                self.wait(now, rng);
                Some(http)
            }
            State::Waiting { .. } | State::Queued(_) | State::Busy { .. } => None,
        }
    }

    /// When [`Self::elapse`] is due.
    pub(super) const fn next_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until, .. } => Some(until),
            State::Busy { deadline, .. } => Some(deadline),
            State::Queued(_) => None,
        }
    }

    /// Ends the upload on the gateway too, if it is there.
    pub(super) fn terminate(self) -> Option<HttpRequest> {
        self.location
            .map(|location| HttpRequest::Terminate { location })
    }

    /// Takes the answer to a step that began at `started`.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        rng: &mut fastrand::Rng,
        (step, started): (Step, Instant),
        reply: Option<HttpReply>,
    ) -> Outcome {
        let Some(reply) = reply else {
            return self.wait(now, rng);
        };
        match reply.status {
            200..=299 => self.advanced(now, step, started, reply),
            401 => {
                self.state = State::Queued(self.step_after_trouble());
                Outcome::TokenRefused
            }
            404 | 410 if self.location.is_some() => {
                // The gateway no longer has it: from the start, as another upload.
                self.location = None;
                self.offset = 0;
                self.key = Uuid::v7(0, std::array::from_fn(|_| rng.u8(..)));
                self.server_trouble(now, rng, reply)
            }
            409 | 423 | 429 | 460 | 500..=506 | 508.. => self.server_trouble(now, rng, reply),
            _ => Outcome::Failed(self.failure(reply)),
        }
    }

    fn advanced(
        &mut self,
        now: Instant,
        step: Step,
        started: Instant,
        reply: HttpReply,
    ) -> Outcome {
        if let (Step::Create, Some(location)) = (step, &reply.location) {
            self.location = Some(location.clone());
        }
        let id = self.location.as_deref().and_then(file_id);
        let (Some(id), Some(offset)) =
            (id, reply.offset.filter(|offset| *offset <= self.meta.size))
        else {
            return Outcome::Failed(self.failure(HttpReply {
                error: Some(Error::new(
                    ErrorCode::UploadFailed,
                    "the answer lacks a usable Location or Upload-Offset header",
                )),
                ..reply
            }));
        };
        if offset > self.offset {
            self.backoff.reset();
            self.server_failures = 0;
            if step != Step::Probe {
                self.pace.sent(offset - self.offset, now.since(started));
            }
        }
        self.offset = offset;
        if offset == self.meta.size {
            return Outcome::Complete(id);
        }
        self.state = State::Queued(Step::Append);
        // Never 100 before the last byte is up.
        let percent = offset.saturating_mul(100) / self.meta.size;
        Outcome::Progress(percent.min(99) as u8)
    }

    fn server_trouble(
        &mut self,
        now: Instant,
        rng: &mut fastrand::Rng,
        reply: HttpReply,
    ) -> Outcome {
        self.server_failures += 1;
        if self.server_failures > SERVER_FAILURES {
            return Outcome::Failed(self.failure(reply));
        }
        self.wait(now, rng)
    }

    fn wait(&mut self, now: Instant, rng: &mut fastrand::Rng) -> Outcome {
        self.pace.failed();
        self.state = State::Waiting {
            until: now.plus(self.backoff.next(rng)),
            step: self.step_after_trouble(),
        };
        Outcome::Retry
    }

    /// How far the gateway got is not known after a failure: ask, if there is something to ask for.
    fn step_after_trouble(&self) -> Step {
        if self.location.is_some() {
            Step::Probe
        } else {
            Step::Create
        }
    }

    fn failure(&self, reply: HttpReply) -> Error {
        reply
            .error
            .unwrap_or_else(|| {
                Error::new(
                    ErrorCode::UploadFailed,
                    concat(&[
                        "the gateway answered with status ",
                        &digits(u64::from(reply.status)),
                    ]),
                )
            })
            .about(&concat(&["file \"", &self.meta.name, "\": "]))
    }
}

/// The file's id: the last segment of where it lives.
fn file_id(location: &str) -> Option<Uuid> {
    last_segment(location).parse().ok()
}
