//! Requests that are not answered yet.

use std::collections::{BTreeMap, VecDeque};

use alo_protocol::{ChannelId, ErrorBody, Limits};

use super::io::{Op, Output};
use crate::{
    methods::subscribe::Wanted,
    store::{Change, Committed, LogId, Query, Rows},
};

/// Consecutive refused requests that count as a flood, as a multiple of the limit in flight.
const FLOOD_FACTOR: u32 = 4;

/// What waits for an answer from the store.
pub(super) enum Pending {
    /// A subscribe or resume, until the heads of its channels are known.
    Subscribe {
        request: u64,
        wanted: Vec<Wanted>,
        /// All channels or none.
        whole: bool,
    },
    /// A change, and how its result is written.
    Commit {
        request: u64,
        result: fn(&Committed) -> String,
    },
    /// A query to the log, started or not, and how its result is written.
    Read {
        request: u64,
        channels: Vec<ChannelId>,
        result: fn(Rows) -> Result<String, ErrorBody>,
    },
    /// A change of what is live, or a query.
    Live { request: u64, channel: ChannelId },
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

/// How many requests in a row may be refused before they count as a flood.
pub(super) const fn most_refused(limits: &Limits) -> u32 {
    limits.requests_in_flight.saturating_mul(FLOOD_FACTOR - 1)
}

/// What takes effect in the order of the requests: a head includes the changes requested before it, and none
/// that was requested after it.
enum Order {
    Commit(Change),
    Heads(Vec<LogId>),
}

/// See the module.
#[derive(Default)]
pub(super) struct Requests {
    pending: BTreeMap<Op, Pending>,
    next_op: Op,
    refused_in_a_row: u32,
    /// What has not started, in order.
    orders: VecDeque<(Op, Order)>,
    /// Changes being made.
    commits: usize,
    /// The heads being read: those of one request at a time, so that many requests do not occupy the readers.
    heads: Option<Op>,
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
        if self.refused_in_a_row > most_refused(limits) {
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

    /// Queues a change.
    pub(super) fn begin_commit(
        &mut self,
        request: u64,
        change: Change,
        result: fn(&Committed) -> String,
    ) {
        let op = self.new_op();
        self.pending.insert(op, Pending::Commit { request, result });
        self.orders.push_back((op, Order::Commit(change)));
    }

    /// Queues reading the heads of the logs that may be read, as operation `op`.
    pub(super) fn begin_subscribe(
        &mut self,
        op: Op,
        request: u64,
        wanted: Vec<Wanted>,
        logs: Vec<LogId>,
        whole: bool,
    ) {
        let pending = Pending::Subscribe {
            request,
            wanted,
            whole,
        };
        self.pending.insert(op, pending);
        self.orders.push_back((op, Order::Heads(logs)));
    }

    /// How many channels unanswered requests name.
    pub(super) fn named(&self) -> usize {
        let named = |pending: &Pending| match pending {
            Pending::Subscribe { wanted, .. } => wanted.len(),
            Pending::Commit { .. } | Pending::Read { .. } | Pending::Live { .. } => 0,
        };
        self.pending.values().map(named).sum()
    }

    /// Starts what comes next, if it may start.
    pub(super) fn next_order(&mut self) -> Option<Output> {
        let may_start = match self.orders.front()? {
            (_, Order::Commit(_)) => self.heads.is_none(),
            (_, Order::Heads(_)) => self.heads.is_none() && self.commits == 0,
        };
        if !may_start {
            return None;
        }
        Some(match self.orders.pop_front()? {
            (op, Order::Commit(change)) => {
                self.commits += 1;
                Output::Commit(op, change)
            }
            (op, Order::Heads(logs)) => {
                self.heads = Some(op);
                Output::Heads(op, logs)
            }
        })
    }

    /// Queues a read, which waits for its turn.
    pub(super) fn begin_read(
        &mut self,
        request: u64,
        query: Query,
        result: fn(Rows) -> Result<String, ErrorBody>,
    ) {
        let logs = query.logs();
        let channels = logs.iter().filter_map(LogId::channel).cloned().collect();
        let op = self.new_op();
        let pending = Pending::Read {
            request,
            channels,
            result,
        };
        self.pending.insert(op, pending);
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

    /// Something live is requested.
    pub(super) fn begin_live(&mut self, request: u64, channel: ChannelId) -> Op {
        let op = self.new_op();
        self.pending.insert(op, Pending::Live { request, channel });
        op
    }

    /// What an answer is for.
    pub(super) fn answered(&mut self, op: Op) -> Option<Pending> {
        self.reading.take_if(|reading| *reading == op);
        self.heads.take_if(|heads| *heads == op);
        let pending = self.pending.remove(&op);
        if let Some(Pending::Commit { .. }) = pending {
            self.commits -= 1;
        }
        pending
    }

    /// Drops the reads of channels that may no longer be read, and the changes that have not started where none may be
    /// made; returns their requests with the reason. The answer to a read that runs is for nobody.
    pub(super) fn forbid(
        &mut self,
        error: impl Fn(&ChannelId) -> Option<ErrorBody>,
        change_error: impl Fn(&ChannelId) -> Option<ErrorBody>,
    ) -> Vec<(u64, ErrorBody)> {
        let mut refused = Vec::new();
        let pending = &mut self.pending;
        self.orders.retain(|(op, order)| {
            let Order::Commit(change) = order else {
                return true;
            };
            let forbidden = match change {
                // Who is muted reads.
                Change::MarkRead(mark) => error(&mark.channel),
                Change::Send(_) | Change::Delete(_) | Change::Cut(_) => {
                    change_error(change.channel())
                }
            };
            let Some(error) = forbidden else {
                return true;
            };
            if let Some(Pending::Commit { request, .. }) = pending.remove(op) {
                refused.push((request, error));
            }
            false
        });
        self.pending.retain(|_, pending| match pending {
            Pending::Read {
                request, channels, ..
            } => match channels.iter().find_map(&error) {
                Some(error) => {
                    refused.push((*request, error));
                    false
                }
                None => true,
            },
            Pending::Subscribe { .. } | Pending::Live { .. } | Pending::Commit { .. } => true,
        });
        self.reads.retain(|(op, _)| self.pending.contains_key(op));
        refused
    }

    /// A subscribe to the channel after `op` that has not been answered.
    pub(super) fn later_subscribe(&self, op: Op, channel: &ChannelId) -> Option<Op> {
        let names = |pending: &Pending| match pending {
            Pending::Subscribe { wanted, .. } => {
                let mut permitted = wanted.iter().filter_map(Wanted::permitted);
                permitted.any(|id| id == channel)
            }
            Pending::Commit { .. } | Pending::Read { .. } | Pending::Live { .. } => false,
        };
        self.pending
            .range(op + 1..)
            .find(|(_, pending)| names(pending))
            .map(|(later, _)| *later)
    }
}
