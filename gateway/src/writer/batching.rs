//! Batches of writes, without threads: jobs in, commits out, answers in the order of the jobs.

use std::collections::VecDeque;

use alo_protocol::{Cursor, ErrorBody};

use crate::{
    bus::News,
    store::{Change, Committed, Log, LogId, Store},
};

/// Jobs that wait for the store. `C` and `H` identify the receivers of the answers.
#[derive(Debug)]
pub struct Batching<C, H> {
    jobs: VecDeque<Job<C, H>>,
    most: usize,
}

/// Something for the store to do.
#[derive(Debug)]
pub enum Job<C, H> {
    /// Make a change.
    Commit(Change, C),
    /// Return the heads of logs, in order with the changes.
    Heads(Vec<LogId>, H),
}

/// What the store does next, in one step.
#[derive(Debug)]
pub enum Work<C, H> {
    /// One commit.
    Commit(Vec<Change>, Vec<C>),
    /// One query.
    Heads(Vec<LogId>, H),
}

/// What was done: to be published first, then answered.
#[derive(Debug)]
pub struct Done<C, H> {
    /// For the members of the logs.
    pub news: Vec<News>,
    /// In the order of the jobs.
    pub answers: Vec<Answer<C, H>>,
}

/// An answer and its receiver.
#[derive(Debug)]
pub enum Answer<C, H> {
    /// To [`Job::Commit`].
    Committed(C, Result<Committed, ErrorBody>),
    /// To [`Job::Heads`].
    Heads(H, Result<Vec<Cursor>, ErrorBody>),
}

impl<C, H> Batching<C, H> {
    /// With this maximum number of changes in a commit.
    pub const fn new(most: usize) -> Self {
        Self {
            jobs: VecDeque::new(),
            most,
        }
    }

    /// Adds a job behind the others.
    pub fn push(&mut self, job: Job<C, H>) {
        self.jobs.push_back(job);
    }

    /// Whether another job might still go into the next commit.
    pub fn has_room(&self) -> bool {
        self.jobs.len() < self.most
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// What comes next: the changes at the front, as many as fit one commit, or a query.
    pub fn next_work(&mut self) -> Option<Work<C, H>> {
        let (mut changes, mut whose) = (Vec::new(), Vec::new());
        while changes.len() < self.most {
            match self.jobs.pop_front() {
                Some(Job::Commit(change, to)) => {
                    changes.push(change);
                    whose.push(to);
                }
                Some(Job::Heads(logs, to)) if changes.is_empty() => {
                    return Some(Work::Heads(logs, to));
                }
                Some(question @ Job::Heads(..)) => {
                    self.jobs.push_front(question);
                    break;
                }
                None => break,
            }
        }
        (!changes.is_empty()).then_some(Work::Commit(changes, whose))
    }
}

impl<C, H> Work<C, H> {
    /// Executes it. When this returns, what is stored is durable.
    pub fn run(self, store: &mut dyn Store, log: &dyn Log) -> Done<C, H> {
        match self {
            Self::Commit(changes, whose) => {
                let results = store.commit(changes);
                let news = results
                    .iter()
                    .flatten()
                    .map(|committed| committed.notice.clone().into())
                    .collect();
                let answers = whose.into_iter().zip(results);
                Done {
                    news,
                    answers: answers
                        .map(|(to, result)| Answer::Committed(to, result))
                        .collect(),
                }
            }
            Self::Heads(logs, to) => Done {
                news: Vec::new(),
                answers: vec![Answer::Heads(to, log.heads(&logs))],
            },
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

    /// The receivers of the answers of each piece of work.
    fn works(batching: &mut Batching<u8, u8>) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| {
            Some(match batching.next_work()? {
                Work::Commit(changes, whose) => {
                    assert_eq!(changes.len(), whose.len());
                    whose
                }
                Work::Heads(_, to) => vec![to],
            })
        })
        .collect()
    }

    #[test]
    fn changes_gather_up_to_the_limit_and_a_question_keeps_its_place() {
        let mut batching = Batching::new(2);
        for number in [1, 2, 3] {
            assert_eq!(batching.has_room(), number <= 2);
            batching.push(Job::Commit(change(number), number));
        }
        batching.push(Job::Heads(vec![], 4));
        batching.push(Job::Heads(vec![], 5));
        batching.push(Job::Commit(change(6), 6));
        assert!(!batching.has_room());
        assert_eq!(
            works(&mut batching),
            [vec![1, 2], vec![3], vec![4], vec![5], vec![6]]
        );
        assert!(batching.is_empty() && batching.has_room());
    }
}
