//! What files may cost, configured by flags.

use std::time::Duration;

use clap::Args;

use super::pace::Pace;
use crate::store::Quota;

/// The flags of files. Where 0 is allowed it means no limit.
#[derive(Clone, Debug, Args)]
pub struct FileFlags {
    /// How many uploads a user may have open: unfinished, or finished and in no message.
    #[arg(long, env = "ALO_QUOTA_OPEN_UPLOADS", default_value_t = 256)]
    pub quota_open_uploads: u64,

    /// How many bytes a user's open uploads may have together, as announced when they were created.
    #[arg(long, env = "ALO_QUOTA_OPEN_BYTES", default_value_t = 32 << 30)]
    pub quota_open_bytes: u64,

    /// How many files a user may have in all, open uploads among them.
    #[arg(long, env = "ALO_QUOTA_FILES", default_value_t = 100_000)]
    pub quota_files: u64,

    /// How many bytes a user's files may have in all, open uploads among them.
    #[arg(long, env = "ALO_QUOTA_BYTES", default_value_t = 128 << 30)]
    pub quota_bytes: u64,

    /// How many uploads and downloads of a user may run at once.
    #[arg(long, env = "ALO_TRANSFERS_PER_USER", default_value_t = 32)]
    pub transfers_per_user: u32,

    /// Bytes a second below which an upload or an answer that the client reads is cut. At 0 one byte within the
    /// window is enough.
    #[arg(long, env = "ALO_TRANSFER_RATE", default_value_t = 1_024)]
    pub transfer_rate: u64,

    /// The seconds over which that rate is measured.
    #[arg(long, env = "ALO_TRANSFER_WINDOW", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub transfer_window: u64,
}

/// What files may cost.
#[derive(Clone, Debug)]
pub struct FileLimits {
    /// Of one user.
    pub quota: Quota,
    /// Of one user at once; 0 is no bound.
    pub transfers: u32,
    /// The least a client must send or read.
    pub pace: Pace,
    /// How old something must be that no record counts before it is removed.
    pub orphan_age: Duration,
}

/// Nothing that is written counts for so long: a request may be about to count it.
const ORPHAN_AGE: Duration = Duration::from_secs(10 * 60);

impl From<&FileFlags> for FileLimits {
    fn from(flags: &FileFlags) -> Self {
        Self {
            quota: Quota {
                open_uploads: flags.quota_open_uploads,
                open_bytes: flags.quota_open_bytes,
                files: flags.quota_files,
                bytes: flags.quota_bytes,
            },
            transfers: flags.transfers_per_user,
            pace: Pace {
                window: Duration::from_secs(flags.transfer_window),
                least: flags.transfer_rate.saturating_mul(flags.transfer_window),
            },
            orphan_age: ORPHAN_AGE,
        }
    }
}
