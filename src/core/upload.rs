//! One upload by tus 1.0: create it with the first bytes, append slices, request the offset after a failure
//! and continue from there. <https://tus.io/protocols/resumable-upload>

use alo_protocol::{ErrorCode, Uuid};

use super::{
    Error, FileMeta, HttpId, HttpReply, HttpRequest, Instant, KeptFile, UploadId,
    backoff::{Backoff, not_before},
    pace::Pace,
    text::{concat, digits, last_segment},
};

/// How long one request may take, milliseconds. A connection whose other end is gone reports nothing; the
/// gateway keeps what a slow one has sent, so cancelling it loses nothing.
const REQUEST_MS: u64 = 60_000;
/// Server errors in a row after which the upload fails. A network failure does not count; the upload waits
/// for the network.
const SERVER_FAILURES: u32 = 8;

/// An upload and its state.
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
    /// A request is in flight.
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

/// The result of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// More bytes are uploaded: this percentage.
    Progress(u8),
    /// All bytes are.
    Complete(Uuid),
    /// It is tried again later.
    Retry,
    /// The token was refused.
    TokenRefused,
    /// It has failed.
    Failed(Error),
}

impl Upload {
    /// An upload that begins, or continues where an earlier page has left it.
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

    /// Ends a wait, and gives up a request that takes too long: it is returned, to be cancelled.
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

    /// Cancels the upload on the gateway too, if it exists there.
    pub(super) fn terminate(self) -> Option<HttpRequest> {
        self.location
            .map(|location| HttpRequest::Terminate { location })
    }

    /// Processes the answer to a step that began at `started`.
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
        if let Some(ms) = reply.error.as_ref().and_then(|error| error.retry_after_ms) {
            // A rate is exceeded: that is no failure, and nothing was stored. The same again, as a request for the
            // offset would take its turn each time.
            self.state = State::Waiting {
                until: now.plus(not_before(rng, ms)),
                step,
            };
            return Outcome::Retry;
        }
        match reply.status {
            200..=299 => self.advanced(now, step, started, reply),
            401 => {
                self.state = State::Queued(self.step_after_trouble());
                Outcome::TokenRefused
            }
            404 | 410 if self.location.is_some() => {
                // The gateway no longer has it: start over, as another upload.
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
        // Never 100 before the last byte is uploaded.
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

    /// After a failure the gateway's offset is unknown: request it, if the upload has a location.
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

/// The file's id: the last segment of its location.
fn file_id(location: &str) -> Option<Uuid> {
    last_segment(location).parse().ok()
}
