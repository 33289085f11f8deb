//! Batches of changes, without threads: changes in, commits out, answers in the order of the changes.

use std::collections::VecDeque;

use alo_protocol::ErrorBody;

use crate::{
    bus::News,
    store::{Change, Committed, Store},
};

/// Changes that wait for the store. `C` identifies the receiver of an answer.
#[derive(Debug)]
pub struct Batching<C> {
    changes: VecDeque<(Change, C)>,
    most: usize,
}

/// What the store does next, in one step.
#[derive(Debug)]
pub struct Commit<C> {
    /// The changes.
    pub changes: Vec<Change>,
    /// The receivers of the answers, in the same order.
    pub whose: Vec<C>,
}

/// What was done: to be published first, then answered.
#[derive(Debug)]
pub struct Done<C> {
    /// For the members of the logs.
    pub news: Vec<News>,
    /// In the order of the changes.
    pub answers: Vec<(C, Result<Committed, ErrorBody>)>,
}

impl<C> Batching<C> {
    /// With this maximum number of changes in a commit.
    pub const fn new(most: usize) -> Self {
        Self {
            changes: VecDeque::new(),
            most,
        }
    }

    /// Adds a change behind the others.
    pub fn push(&mut self, change: Change, whose: C) {
        self.changes.push_back((change, whose));
    }

    /// Whether another change might still go into the next commit.
    pub fn has_room(&self) -> bool {
        self.changes.len() < self.most
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What comes next: the changes at the front, as many as fit one commit.
    pub fn next_commit(&mut self) -> Option<Commit<C>> {
        let count = self.changes.len().min(self.most);
        let (changes, whose) = self.changes.drain(..count).unzip();
        (count > 0).then_some(Commit { changes, whose })
    }
}

impl<C> Commit<C> {
    /// Executes it. When this returns, what is stored is durable.
    pub fn run(self, store: &mut dyn Store) -> Done<C> {
        let Self { changes, whose } = self;
        let results = store.commit(changes);
        let news = results
            .iter()
            .flatten()
            .map(|committed| committed.notice.clone().into())
            .collect();
        let answers = whose.into_iter().zip(results);
        Done {
            news,
            answers: answers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alo_protocol::Uuid;

    use super::*;
    use crate::store::Draft;

    fn change(number: u8) -> Change {
        Change::Send(Draft {
            id: Uuid::from_bytes([number; 16]),
            key: Uuid::from_bytes([number; 16]),
            channel: "a".parse().unwrap(),
            user_id: Arc::from("ada"),
            content: String::new(),
            metadata: None,
            parent_id: None,
            file_ids: Vec::new(),
            now_ms: 0,
        })
    }

    /// The receivers of the answers of each commit.
    fn commits(batching: &mut Batching<u8>) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| {
            let Commit { changes, whose } = batching.next_commit()?;
            assert_eq!(changes.len(), whose.len());
            Some(whose)
        })
        .collect()
    }

    #[test]
    fn changes_gather_up_to_the_limit_in_their_order() {
        let mut batching = Batching::new(2);
        assert!(batching.next_commit().is_none());
        for number in [1, 2, 3] {
            assert_eq!(batching.has_room(), number <= 2);
            batching.push(change(number), number);
        }
        assert!(!batching.has_room());
        assert_eq!(commits(&mut batching), [vec![1, 2], vec![3]]);
        assert!(batching.is_empty() && batching.has_room());
    }
}
