//! How much of the gateway's storage one user may take.

/// Bounds of one user's files; 0 is no bound. An upload is open until a message has it, it is cancelled or it
/// expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Open uploads.
    pub open_uploads: u64,
    /// Their sizes, in bytes, as announced when they were created.
    pub open_bytes: u64,
    /// All files, open or of messages.
    pub files: u64,
    /// Their sizes, in bytes.
    pub bytes: u64,
}

impl Quota {
    /// No bound.
    pub const NONE: Self = Self {
        open_uploads: 0,
        open_bytes: 0,
        files: 0,
        bytes: 0,
    };
}

/// What one user has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) open_uploads: u64,
    pub(super) open_bytes: u64,
    /// Until nothing of them is on the disk.
    pub(super) files: u64,
    pub(super) bytes: u64,
}
