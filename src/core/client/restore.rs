//! An outbox that outlives the page: what earlier pages have left unsent is loaded when the gateway has named
//! the user, and is sent before what this page sends.

use super::{Client, Entry, State};
use crate::core::{CallId, Error, Instant, Kept, Payload, connection::Connection};
use alo_protocol::ErrorCode;

/// How long sends wait for storage, milliseconds: storage that does not respond must not stop the chat.
const STORAGE_MS: u64 = 5_000;

/// The state of loading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restore {
    /// The outbox is kept in memory only.
    NotKept,
    /// The gateway has not named the user yet.
    Due,
    /// Storage was asked for the first time; sends wait for its answer until this time.
    Asked { until: Instant },
    /// Storage has answered, or took too long.
    Done,
}

impl Restore {
    pub(super) const fn new(kept: bool) -> Self {
        if kept { Self::Due } else { Self::NotKept }
    }

    pub(super) fn is_kept(self) -> bool {
        self != Self::NotKept
    }

    /// Whether to ask storage, now that there is a welcome. Every welcome asks: pages may have been closed in
    /// the meantime.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        if *self == Self::Due {
            *self = Self::Asked {
                until: now.plus(STORAGE_MS),
            };
        }
        self.is_kept()
    }

    /// Whether commands wait: those of earlier pages are sent first.
    pub(super) const fn holds_commands(self) -> bool {
        matches!(self, Self::Due | Self::Asked { .. })
    }

    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Asked { until } => Some(until),
            Self::NotKept | Self::Due | Self::Done => None,
        }
    }

    pub(super) fn elapse(&mut self, now: Instant) {
        if self.deadline().is_some_and(|until| until <= now) {
            *self = Self::Done;
        }
    }
}

impl<P: Payload> Client<P> {
    pub(super) fn restored(&mut self, now: Instant, commands: Vec<(CallId, Kept<P>)>) {
        if self.restore.is_kept() {
            self.restore = Restore::Done;
        }
        let mut entries = Vec::new();
        for (
            call,
            Kept {
                key,
                body,
                bytes,
                files,
            },
        ) in commands
        {
            let ids = files.iter().map(|file| (file.upload, None)).collect();
            let state = if files.is_empty() {
                State::Ready
            } else {
                State::Uploading
            };
            for file in files {
                self.uploads.add(file);
            }
            entries.push(Entry {
                call,
                key,
                body,
                bytes,
                files: ids,
                state,
                // The page that wrote it may have sent it.
                tried: true,
            });
        }
        if let Connection::Idle | Connection::Failed = self.connection {
            // Disconnected while storage was asked: as for every other call.
            let error = Error::new(ErrorCode::Disconnected, "disconnect() was called");
            for entry in entries {
                self.drop_entry(now, entry, error.clone());
            }
        } else {
            self.outbox.restore(entries);
        }
    }
}
