//! The position of a subscriber in a channel.

use serde::{Deserialize, Serialize};

use crate::ChannelId;

/// A position in a channel's event log: everything up to and including `seq` has been received.
///
/// `epoch` names one life of the log. Sequences of different epochs do not compare: when a store is
/// replaced, its epoch changes, and subscribers get a gap instead of a wrong replay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Opaque, at most 36 characters.
    pub epoch: String,
    /// Gapless from 1; 0 is before the first event. Stays below 2^53, exact in JavaScript.
    pub seq: u64,
}

/// A channel in `subscribe` and `resume`: with a cursor events after it are replayed, without one the
/// subscription starts at the head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStart {
    /// The channel, or the caller's own log.
    #[cfg_attr(
        feature = "json",
        serde(deserialize_with = "ChannelId::deserialize_log")
    )]
    pub id: ChannelId,
    /// The subscriber's position, if it was subscribed before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<Cursor>,
}

/// Why the events after a cursor cannot be replayed without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The channel's log was replaced.
    EpochChanged,
    /// The events after the cursor are no longer kept.
    Expired,
    /// The cursor is ahead of the log, as after a restore from an older backup.
    CursorAhead,
}

impl GapReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::EpochChanged, Self::Expired, Self::CursorAhead];

    /// The stable name, as on the wire and in `channel.gap`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EpochChanged => "epoch-changed",
            Self::Expired => "expired",
            Self::CursorAhead => "cursor-ahead",
        }
    }
}
