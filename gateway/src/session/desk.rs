//! A [`Port`] without tasks, for driving sessions step by step: in the simulation, the fuzz targets and the
//! tests.

use std::collections::VecDeque;

use super::{Input, Op, Port};
use crate::{
    bus::News,
    store::{Change, Log, LogId, PageLimit, Query, Store},
    writer::{Answer, Batching, Job},
};

/// What a session has requested, in order.
#[derive(Debug, Default)]
pub struct Desk {
    asks: VecDeque<Ask>,
}

/// One request of a session.
#[derive(Debug)]
pub enum Ask {
    /// [`Port::commit`] or [`Port::heads`]: something for the writer.
    Write(Job<Op, Op>),
    /// [`Port::read`]
    Read(Op, Query),
    /// [`Port::join`]
    Join(LogId),
    /// [`Port::leave`]
    Leave(LogId),
}

impl Desk {
    /// Takes the oldest request.
    pub fn next_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }
}

impl Port for Desk {
    fn commit(&mut self, op: Op, change: Change) {
        self.asks.push_back(Ask::Write(Job::Commit(change, op)));
    }

    fn heads(&mut self, op: Op, logs: Vec<LogId>) {
        self.asks.push_back(Ask::Write(Job::Heads(logs, op)));
    }

    fn read(&mut self, op: Op, query: Query) {
        self.asks.push_back(Ask::Read(op, query));
    }

    fn join(&mut self, log: LogId) {
        self.asks.push_back(Ask::Join(log));
    }

    fn leave(&mut self, log: &LogId) {
        self.asks.push_back(Ask::Leave(log.clone()));
    }
}

impl From<Answer<Op, Op>> for Input<'_> {
    fn from(answer: Answer<Op, Op>) -> Self {
        match answer {
            Answer::Committed(op, result) => Self::Committed(op, result),
            Answer::Heads(op, result) => Self::Heads(op, result),
        }
    }
}

/// Runs one job on a store: returns what it publishes, and then what it answers.
pub fn write_at_once(
    job: Job<Op, Op>,
    store: &mut dyn Store,
    log: &dyn Log,
) -> (Vec<News>, Vec<Input<'static>>) {
    let mut batching = Batching::new(1);
    batching.push(job);
    let done = batching.next_work().map(|work| work.run(store, log));
    let (news, answers) = done.map_or_else(Default::default, |done| (done.news, done.answers));
    (news, answers.into_iter().map(Input::from).collect())
}

/// Runs one query on a log.
pub fn read_at_once(op: Op, query: &Query, log: &dyn Log, limit: PageLimit) -> Input<'static> {
    Input::Rows(op, log.read(query, limit))
}
