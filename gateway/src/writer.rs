//! One thread writes: what gathers while a commit runs goes into the next one, so under load one
//! `fsync` serves many messages, and when idle none waits.

use std::{sync::Arc, thread};

use alo_protocol::{ChannelId, Cursor, ErrorBody, ErrorCode, SendMessage, Uuid};
use tokio::sync::{mpsc, oneshot};

use crate::{
    clock::Clock,
    hub::Bus,
    metrics::Metrics,
    random,
    store::{Change, Committed, Draft, Log, Store},
};

/// Messages in one commit at most.
const BATCH: usize = 512;
/// Jobs that may wait before those who bring more have to.
const QUEUE: usize = 4_096;

/// A handle to the writing thread. When it is closed, or the last handle dropped, the thread finishes
/// its queue and ends.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// A message to store, as a client or a server gave it.
#[derive(Debug)]
pub struct Submission {
    /// In whose name.
    pub user_id: Arc<str>,
    /// The message.
    pub send: SendMessage,
}

enum Job {
    Commit(Submission, Answer<Committed>),
    Heads(Vec<ChannelId>, Answer<Vec<Cursor>>),
    Close,
}

type Answer<T> = oneshot::Sender<Result<T, ErrorBody>>;

impl Writer {
    /// Starts the thread over a store. Committed events go to the bus before their senders are answered.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(
        store: Box<dyn Store>,
        log: Arc<dyn Log>,
        bus: Arc<dyn Bus>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let worker = Worker {
            store,
            log,
            bus,
            clock,
            metrics,
        };
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || worker.run(receiver))?;
        Ok((Self { jobs }, thread))
    }

    /// Queues a message; the answer comes when it is durable. Waits while the queue is full. The order
    /// of calls is the order of commits.
    pub async fn commit(&self, submission: Submission) -> Pending<Committed> {
        let (answer, pending) = oneshot::channel();
        // A thread that is gone drops the answer, which the caller sees as unavailable.
        let _ = self.jobs.send(Job::Commit(submission, answer)).await;
        Pending(pending)
    }

    /// Queues a question for the heads of channels, in order with the commits.
    pub async fn heads(&self, channels: Vec<ChannelId>) -> Pending<Vec<Cursor>> {
        let (answer, pending) = oneshot::channel();
        let _ = self.jobs.send(Job::Heads(channels, answer)).await;
        Pending(pending)
    }

    /// Ends the thread after what is queued; whoever comes later hears `unavailable`.
    pub async fn close(&self) {
        // It may have ended already.
        let _ = self.jobs.send(Job::Close).await;
    }
}

/// An answer to come.
pub struct Pending<T>(oneshot::Receiver<Result<T, ErrorBody>>);

impl<T> Pending<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// Those of the store, or `unavailable` when the gateway is stopping.
    pub async fn answer(self) -> Result<T, ErrorBody> {
        self.0.await.unwrap_or_else(|_| {
            Err(ErrorBody::new(
                ErrorCode::Unavailable,
                "the gateway is stopping",
            ))
        })
    }
}

struct Worker {
    store: Box<dyn Store>,
    log: Arc<dyn Log>,
    bus: Arc<dyn Bus>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Worker {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = jobs.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Heads(channels, answer) => {
                    let logs: Vec<_> = channels.into_iter().map(Into::into).collect();
                    let _ = answer.send(self.log.heads(&logs));
                }
                Job::Close => return,
                Job::Commit(submission, answer) => {
                    let mut batch = vec![(submission, answer)];
                    while batch.len() < BATCH {
                        match jobs.try_recv() {
                            Ok(Job::Commit(submission, answer)) => batch.push((submission, answer)),
                            Ok(other @ (Job::Heads(..) | Job::Close)) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.commit(batch);
                }
            }
            if next.is_none() {
                next = jobs.blocking_recv();
            }
        }
    }

    fn commit(&mut self, batch: Vec<(Submission, Answer<Committed>)>) {
        let now_ms = self.clock.now_ms();
        let (changes, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|(submission, answer)| {
                let id = random::uuid(now_ms);
                (Change::Send(draft(submission, now_ms, id)), answer)
            })
            .unzip();
        let started = std::time::Instant::now();
        let results = self.store.commit(changes);
        self.metrics.committed(
            results.iter().filter(|result| result.is_ok()).count(),
            started.elapsed(),
        );
        let events: Vec<_> = results
            .iter()
            .flatten()
            .filter_map(|committed| committed.event().cloned().map(Arc::new))
            .collect();
        self.bus.publish(&events);
        for (result, answer) in results.into_iter().zip(answers) {
            // Who has left does not need the answer.
            let _ = answer.send(result);
        }
    }
}

/// The draft of a submission; `id` becomes the message's.
pub fn draft(Submission { user_id, send }: Submission, now_ms: u64, id: Uuid) -> Draft {
    let SendMessage {
        key,
        channel_id,
        content,
        metadata,
        parent_id,
        file_ids,
    } = send;
    Draft {
        id,
        key,
        channel: channel_id,
        user_id,
        content,
        metadata,
        parent_id,
        file_ids,
        now_ms,
    }
}
