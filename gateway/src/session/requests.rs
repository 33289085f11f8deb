//! Requests that are not answered yet.

use std::collections::{BTreeMap, VecDeque};

use alo_protocol::{ChannelId, ErrorBody, Limits, Recovery, Resume};

use super::io::Op;
use crate::store::{Committed, Query, Rows};

/// Consecutive refused requests that count as a flood, as a multiple of the limit in flight.
pub(super) const FLOOD_FACTOR: u32 = 4;

/// What waits for an answer from the store.
pub(super) enum Pending {
    /// The hello, until its welcome.
    Hello {
        channels: Vec<Resume>,
        denied: Vec<Recovery>,
    },
    /// A subscribe, until the heads of its channels are known.
    Subscribe { request: u64, channels: Vec<Resume> },
    /// A change, and how its result is written.
    Commit {
        request: u64,
        result: fn(&Committed) -> String,
    },
    /// A query to the log, started or not, and how its result is written.
    Read {
        request: u64,
        channel: Option<ChannelId>,
        result: fn(Rows) -> Result<String, ErrorBody>,
    },
}

/// Whether a request is accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Taken,
    /// Too many are unanswered.
    Refused,
    /// Far too many are.
    Flood,
}

/// See the module.
#[derive(Default)]
pub(super) struct Requests {
    pending: BTreeMap<Op, Pending>,
    next_op: Op,
    refused_in_a_row: u32,
    /// Reads that have not started, in order. Only one runs at a time: each may be 1 MiB.
    reads: VecDeque<(Op, Query)>,
    reading: Option<Op>,
}

impl Requests {
    pub(super) fn admit(&mut self, limits: &Limits) -> Admission {
        if self.pending.len() < limits.requests_in_flight as usize {
            self.refused_in_a_row = 0;
            return Admission::Taken;
        }
        self.refused_in_a_row += 1;
        let most = limits.requests_in_flight.saturating_mul(FLOOD_FACTOR - 1);
        if self.refused_in_a_row > most {
            Admission::Flood
        } else {
            Admission::Refused
        }
    }

    pub(super) const fn new_op(&mut self) -> Op {
        let op = self.next_op;
        self.next_op += 1;
        op
    }

    pub(super) fn begin(&mut self, pending: Pending) -> Op {
        let op = self.new_op();
        self.pending.insert(op, pending);
        op
    }

    /// Queues a read, which waits for its turn.
    pub(super) fn begin_read(
        &mut self,
        request: u64,
        query: Query,
        result: fn(Rows) -> Result<String, ErrorBody>,
    ) {
        let channel = query.channel().cloned();
        let op = self.begin(Pending::Read {
            request,
            channel,
            result,
        });
        self.reads.push_back((op, query));
    }

    /// The read whose turn it is: the one before it is answered, and so are earlier changes, which it must
    /// include.
    pub(super) fn next_read(&mut self) -> Option<(Op, Query)> {
        let (op, _) = self.reads.front()?;
        let is_commit = |pending: &Pending| matches!(pending, Pending::Commit { .. });
        if self.reading.is_some()
            || self
                .pending
                .range(..op)
                .any(|(_, pending)| is_commit(pending))
        {
            return None;
        }
        let next = self.reads.pop_front();
        self.reading = next.as_ref().map(|(op, _)| *op);
        next
    }

    /// What an answer is for.
    pub(super) fn answered(&mut self, op: Op) -> Option<Pending> {
        if self.reading == Some(op) {
            self.reading = None;
        }
        self.pending.remove(&op)
    }

    /// Drops the reads of channels that may no longer be read; returns their requests with the reason. The answer to
    /// one that runs is for nobody.
    pub(super) fn forbid(
        &mut self,
        error: impl Fn(&ChannelId) -> Option<ErrorBody>,
    ) -> Vec<(u64, ErrorBody)> {
        let mut refused = Vec::new();
        self.pending.retain(|_, pending| match pending {
            Pending::Read {
                request,
                channel: Some(channel),
                ..
            } => match error(channel) {
                Some(error) => {
                    refused.push((*request, error));
                    false
                }
                None => true,
            },
            Pending::Read { channel: None, .. }
            | Pending::Hello { .. }
            | Pending::Subscribe { .. }
            | Pending::Commit { .. } => true,
        });
        self.reads.retain(|(op, _)| self.pending.contains_key(op));
        refused
    }

    /// A subscribe to the channel after `op` that has not been answered.
    pub(super) fn later_subscribe(&self, op: Op, channel: &ChannelId) -> Option<Op> {
        let names = |pending: &Pending| match pending {
            Pending::Subscribe { channels, .. } => {
                channels.iter().any(|resume| resume.id == *channel)
            }
            Pending::Hello { .. } | Pending::Commit { .. } | Pending::Read { .. } => false,
        };
        self.pending
            .range(op + 1..)
            .find(|(_, pending)| names(pending))
            .map(|(later, _)| *later)
    }
}
