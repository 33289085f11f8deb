//! All uploads: a few at a time, the others wait for their turn.

use alo_protocol::{ErrorCode, Uuid};

use super::{
    Error, Event, HttpId, HttpReply, Instant, KeptFile, Output, Storage, UploadId,
    io::Context,
    text::concat,
    time::earlier,
    upload::{Outcome, State, Upload},
};

/// The files not yet uploaded.
#[derive(Debug)]
pub(super) struct Uploads {
    list: Vec<Upload>,
    parallel: usize,
    /// Whether the outbox is kept after the page is closed.
    kept: bool,
    next_http: u32,
}

/// What an answer means for the rest of the client.
#[derive(Debug)]
pub(super) enum Finished {
    /// The file is uploaded and has this id.
    Complete(UploadId, Uuid),
    /// The upload has failed.
    Failed(UploadId, Error),
    /// The token with this number was refused.
    TokenRefused(u32),
}

impl Uploads {
    pub(super) const fn new(parallel: usize, kept: bool) -> Self {
        Self {
            list: Vec::new(),
            parallel,
            kept,
            next_http: 0,
        }
    }

    pub(super) fn add(&mut self, file: KeptFile) {
        self.list.push(Upload::new(file));
    }

    /// Starts what may start; without a token nothing may.
    pub(super) fn pump<P>(&mut self, ctx: &mut Context<'_, P>, token: Option<(&str, u32)>) {
        let mut busy = 0;
        for upload in &mut self.list {
            if let Some(http) = upload.elapse(ctx.now, ctx.rng) {
                ctx.out.push_back(Output::CancelHttp(http));
            }
            busy += usize::from(matches!(upload.state, State::Busy { .. }));
        }
        let Some((token, generation)) = token else {
            return;
        };
        for upload in &mut self.list {
            let State::Queued(step) = upload.state else {
                continue;
            };
            if busy >= self.parallel {
                return;
            }
            busy += 1;
            let http = HttpId(self.next_http);
            self.next_http += 1;
            let request = upload.start(ctx.now, http, step, generation);
            ctx.out.push_back(Output::Http {
                id: http,
                upload: upload.id,
                token: token.to_owned(),
                request,
            });
        }
    }

    /// Processes an answer; one that is no longer expected is dropped.
    pub(super) fn answered<P>(
        &mut self,
        ctx: &mut Context<'_, P>,
        id: HttpId,
        reply: Option<HttpReply>,
    ) -> Option<Finished> {
        let (index, asked, generation) =
            self.list
                .iter()
                .enumerate()
                .find_map(|(index, upload)| match upload.state {
                    State::Busy {
                        http,
                        step,
                        started,
                        generation,
                        ..
                    } if http == id => Some((index, (step, started), generation)),
                    State::Busy { .. } | State::Queued(_) | State::Waiting { .. } => None,
                })?;
        let upload = &mut self.list[index];
        let upload_id = upload.id;
        let (key, had_location) = (upload.key, upload.location.is_some());
        let outcome = upload.answered(ctx.now, ctx.rng, asked, reply);
        if self.kept && (upload.key, upload.location.is_some()) != (key, had_location) {
            ctx.out.push_back(Output::Storage(Storage::KeepUpload {
                upload: upload_id,
                key: upload.key,
                location: upload.location.clone(),
            }));
        }
        match outcome {
            Outcome::Progress(percent) => {
                ctx.emit(Event::UploadProgress(upload_id, percent));
                None
            }
            Outcome::Retry => None,
            Outcome::TokenRefused => Some(Finished::TokenRefused(generation)),
            Outcome::Complete(file) => {
                ctx.emit(Event::UploadProgress(upload_id, 100));
                ctx.emit(Event::UploadComplete(upload_id, file));
                ctx.out.push_back(Output::ReleaseUpload(upload_id));
                self.list.remove(index);
                Some(Finished::Complete(upload_id, file))
            }
            Outcome::Failed(error) => {
                ctx.emit(Event::UploadError(upload_id, error.clone()));
                ctx.out.push_back(Output::ReleaseUpload(upload_id));
                self.list.remove(index);
                Some(Finished::Failed(upload_id, error))
            }
        }
    }

    /// Cancels uploads that are no longer wanted, here and, if possible, on the gateway.
    pub(super) fn cancel<P>(
        &mut self,
        ctx: &mut Context<'_, P>,
        token: Option<&str>,
        ids: impl IntoIterator<Item = UploadId>,
        aborted: bool,
    ) {
        for id in ids {
            let Some(index) = self.list.iter().position(|upload| upload.id == id) else {
                continue;
            };
            let upload = self.list.remove(index);
            if let State::Busy { http, .. } = upload.state {
                ctx.out.push_back(Output::CancelHttp(http));
            }
            let name = &upload.meta.name;
            let message = concat(&["file \"", name, "\": its message is not sent"]);
            let error = if aborted {
                Error::new(ErrorCode::Aborted, message)
            } else {
                Error::new(ErrorCode::UploadFailed, message)
            };
            ctx.emit(Event::UploadError(id, error));
            if let (Some(token), Some(request)) = (token, upload.terminate()) {
                let http = HttpId(self.next_http);
                self.next_http += 1;
                let token = token.to_owned();
                ctx.out.push_back(Output::Http {
                    id: http,
                    upload: id,
                    token,
                    request,
                });
            }
            ctx.out.push_back(Output::ReleaseUpload(id));
        }
    }

    /// Ends all waiting after failures.
    pub(super) fn wake(&mut self) {
        for upload in &mut self.list {
            if let State::Waiting { step, .. } = upload.state {
                upload.state = State::Queued(step);
            }
        }
    }

    /// When a wait, or a request that takes too long, ends.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.list.iter().fold(None, |soonest, upload| {
            earlier(soonest, upload.next_timeout())
        })
    }

    /// Whether any upload would start if there were a token.
    pub(super) fn wants_token(&self) -> bool {
        self.list
            .iter()
            .any(|upload| matches!(upload.state, State::Queued(_)))
    }
}
