//! Commands not yet confirmed, in the order of the calls.

use alo_protocol::Uuid;

use super::{CallId, UploadId};

/// An unconfirmed command.
#[derive(Debug)]
pub(super) struct Entry<P> {
    pub(super) call: CallId,
    /// Idempotency key: the same on every try.
    pub(super) key: Uuid,
    /// Method and parameters.
    pub(super) body: P,
    /// An upper bound of the body's size on the wire.
    pub(super) bytes: u32,
    /// Its files in order, with their ids once they are uploaded.
    pub(super) files: Vec<(UploadId, Option<Uuid>)>,
    pub(super) state: State,
    /// Whether it was ever sent: then it may be stored, and cannot be cancelled.
    pub(super) tried: bool,
}

/// Its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not all files are uploaded.
    Uploading,
    /// To be sent.
    Ready,
    /// Sent on the present connection, not answered.
    InFlight,
}

/// The bounded queue.
#[derive(Debug)]
pub(super) struct Outbox<P> {
    entries: Vec<Entry<P>>,
    limit: usize,
}

impl<P> Outbox<P> {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            limit,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.limit
    }

    pub(super) fn push(&mut self, entry: Entry<P>) {
        self.entries.push(entry);
    }

    /// Inserts commands of earlier pages, in their order, before all others.
    pub(super) fn restore(&mut self, mut entries: Vec<Entry<P>>) {
        entries.append(&mut self.entries);
        self.entries = entries;
    }

    /// The first command that may be sent now. One whose files are still being uploaded does not hold up
    /// those behind it.
    pub(super) fn next_ready(&mut self) -> Option<&mut Entry<P>> {
        self.entries
            .iter_mut()
            .find(|entry| entry.state == State::Ready)
    }

    /// Takes out the command of a call.
    pub(super) fn take(&mut self, call: CallId) -> Option<Entry<P>> {
        self.take_where(|entry| entry.call == call)
    }

    /// The gateway has not taken the command of a call: it is to be sent again. False if there is none.
    pub(super) fn refused(&mut self, call: CallId) -> bool {
        let mut entries = self.entries.iter_mut();
        let refused = entries.find(|entry| entry.call == call);
        refused.map(|entry| entry.state = State::Ready).is_some()
    }

    /// Cancels a command that was never sent.
    pub(super) fn take_unsent(&mut self, call: CallId) -> Option<Entry<P>> {
        self.take_where(|entry| entry.call == call && !entry.tried)
    }

    /// Takes out the command that has a failed file.
    pub(super) fn take_upload(&mut self, upload: UploadId) -> Option<Entry<P>> {
        self.take_where(|entry| entry.files.iter().any(|(id, _)| *id == upload))
    }

    /// A file was uploaded; its command may be ready now.
    pub(super) fn file_done(&mut self, upload: UploadId, file: Uuid) {
        for entry in &mut self.entries {
            for (id, done) in &mut entry.files {
                if *id == upload {
                    *done = Some(file);
                }
            }
            if entry.state == State::Uploading && entry.files.iter().all(|(_, done)| done.is_some())
            {
                entry.state = State::Ready;
            }
        }
    }

    /// The connection is lost: what was not answered is sent again, with the same keys.
    pub(super) fn connection_lost(&mut self) {
        for entry in &mut self.entries {
            if entry.state == State::InFlight {
                entry.state = State::Ready;
            }
        }
    }

    /// Empties the queue.
    pub(super) fn take_all(&mut self) -> Vec<Entry<P>> {
        std::mem::take(&mut self.entries)
    }

    fn take_where(&mut self, matches: impl Fn(&Entry<P>) -> bool) -> Option<Entry<P>> {
        let index = self.entries.iter().position(matches)?;
        Some(self.entries.remove(index))
    }
}
