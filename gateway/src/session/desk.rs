//! A [`Port`] without tasks, for driving sessions step by step: in the simulation, the fuzz targets and the
//! tests.

use std::collections::VecDeque;

use super::{Input, Op, Port};
use crate::{
    bus::News,
    live::Act,
    store::{Change, Log, LogId, PageLimit, Query, Store},
    writer::Batching,
};

/// What a session has requested, in order.
#[derive(Debug, Default)]
pub struct Desk {
    asks: VecDeque<Ask>,
}

/// One request of a session.
#[derive(Debug)]
pub enum Ask {
    /// [`Port::commit`]
    Commit(Op, Change),
    /// [`Port::heads`]
    Heads(Op, Vec<LogId>),
    /// [`Port::read`]
    Read(Op, Query),
    /// [`Port::live`]
    Live(Op, Act),
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
        self.asks.push_back(Ask::Commit(op, change));
    }

    fn heads(&mut self, op: Op, logs: Vec<LogId>) {
        self.asks.push_back(Ask::Heads(op, logs));
    }

    fn read(&mut self, op: Op, query: Query) {
        self.asks.push_back(Ask::Read(op, query));
    }

    fn live(&mut self, op: Op, act: Act) {
        self.asks.push_back(Ask::Live(op, act));
    }

    fn join(&mut self, log: LogId) {
        self.asks.push_back(Ask::Join(log));
    }

    fn leave(&mut self, log: &LogId) {
        self.asks.push_back(Ask::Leave(log.clone()));
    }
}

/// Makes one change in a store: returns what it publishes, and then what it answers.
pub fn write_at_once(
    op: Op,
    change: Change,
    store: &mut dyn Store,
) -> (Vec<News>, Vec<Input<'static>>) {
    let mut batching = Batching::new(1);
    batching.push(change, op);
    let done = batching.next_commit().map(|commit| commit.run(store));
    let (news, answers) = done.map_or_else(Default::default, |done| (done.news, done.answers));
    let answers = answers.into_iter();
    (
        news,
        answers
            .map(|(op, result)| Input::Committed(op, result))
            .collect(),
    )
}

/// Runs one query on a log.
pub fn read_at_once(op: Op, query: &Query, log: &dyn Log, limit: PageLimit) -> Input<'static> {
    Input::Rows(op, log.read(query, limit))
}
