//! Which subscriber receives what, without tasks.

use std::collections::{BTreeMap, HashMap};

use super::News;
use crate::store::LogId;

/// The members of logs. `M` is how a member is reached.
#[derive(Debug)]
pub struct Hub<M> {
    /// Members in the order of their numbers, so that a simulation is the same each time.
    logs: HashMap<LogId, BTreeMap<u64, M>>,
}

impl<M> Default for Hub<M> {
    fn default() -> Self {
        Self {
            logs: HashMap::new(),
        }
    }
}

impl<M> Hub<M> {
    /// Subscribes this member to the news of the log.
    pub fn join(&mut self, log: LogId, number: u64, member: M) {
        self.logs.entry(log).or_default().insert(number, member);
    }

    /// Undoes [`Hub::join`].
    pub fn leave(&mut self, log: &LogId, number: u64) {
        if let Some(members) = self.logs.get_mut(log) {
            members.remove(&number);
            if members.is_empty() {
                self.logs.remove(log);
            }
        }
    }

    /// Delivers to each member the news of each log it has joined, in order. Member by member, so that when one
    /// wakes, all of its news of the log is ready for one frame.
    pub fn publish(&self, news: &[News], mut hand: impl FnMut(&M, &[&News])) {
        let mut news: Vec<_> = news.iter().collect();
        news.sort_by(|one, other| one.log().cmp(other.log()));
        for news in news.chunk_by(|one, other| one.log() == other.log()) {
            let members = self.logs.get(news[0].log());
            for member in members.into_iter().flat_map(BTreeMap::values) {
                hand(member, news);
            }
        }
    }

    /// Whether no log has members.
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }
}
