//! Commands not yet confirmed, in the order of the calls.

use alo_protocol::Uuid;

use super::{CallId, UploadId};

/// A command on its way.
#[derive(Debug)]
pub(super) struct Entry<P> {
    pub(super) call: CallId,
    /// Idempotency key: the same on every try.
    pub(super) key: Uuid,
    /// Method and parameters.
    pub(super) body: P,
    /// An upper bound of the body's size on the wire.
    pub(super) bytes: u32,
    /// Its files in their order, with their ids once they are up.
    pub(super) files: Vec<(UploadId, Option<Uuid>)>,
    pub(super) state: State,
    /// Whether it went out on any connection: then it may be stored, and cannot be taken back.
    pub(super) tried: bool,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not all files are up.
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

    /// Puts commands of earlier pages, in their order, before all others.
    pub(super) fn restore(&mut self, mut entries: Vec<Entry<P>>) {
        entries.append(&mut self.entries);
        self.entries = entries;
    }

    /// The first command that may go out now. One whose files are still going up does not hold back
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

    /// Takes back a command that was never sent.
    pub(super) fn take_unsent(&mut self, call: CallId) -> Option<Entry<P>> {
        self.take_where(|entry| entry.call == call && !entry.tried)
    }

    /// Takes out the command one of whose files has failed.
    pub(super) fn take_upload(&mut self, upload: UploadId) -> Option<Entry<P>> {
        self.take_where(|entry| entry.files.iter().any(|(id, _)| *id == upload))
    }

    /// A file is up; its command may be ready now.
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

    /// The connection is gone: what was not answered goes out again, with the same keys.
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
