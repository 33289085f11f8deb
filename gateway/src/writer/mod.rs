//! One thread writes: what accumulates while a commit runs goes into the next one, so under load one
//! `fsync` serves many messages, and when idle none waits. [`Batching`] decides, the thread only drives.

mod batching;

use std::{sync::Arc, thread, time::Instant};

use alo_protocol::{Cursor, ErrorBody, ErrorCode};
use tokio::sync::{mpsc, oneshot};

pub use batching::{Answer, Batching, Done, Job, Work};

use crate::{
    bus::Bus,
    metrics::Metrics,
    store::{Change, Committed, Log, LogId, Store},
};

/// Maximum number of changes in one commit.
const BATCH: usize = 512;
/// Jobs that may be queued before callers have to wait.
const QUEUE: usize = 4_096;

/// A handle to the writing thread. When it is closed, or the last handle dropped, the thread finishes
/// its queue and ends.
#[derive(Clone)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
}

enum Order {
    Do(Job<Reply<Committed>, Reply<Vec<Cursor>>>),
    Close,
}

type Reply<T> = oneshot::Sender<Result<T, ErrorBody>>;

impl Writer {
    /// Starts the thread over a store. What is committed goes to the bus before it is answered.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        store: Box<dyn Store>,
        log: Arc<dyn Log>,
        bus: Arc<dyn Bus>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (orders, receiver) = mpsc::channel(QUEUE);
        let worker = Worker {
            store,
            log,
            bus,
            metrics,
            batching: Batching::new(BATCH),
        };
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || worker.run(receiver))?;
        Ok((Self { orders }, thread))
    }

    /// Queues a change; the answer comes when it is durable. Waits while the queue is full. The order
    /// of calls is the order of commits.
    pub async fn commit(&self, change: Change) -> Pending<Committed> {
        let (reply, pending) = oneshot::channel();
        self.order(Order::Do(Job::Commit(change, reply))).await;
        Pending(pending)
    }

    /// Queues a query for the heads of logs, in order with the commits.
    pub async fn heads(&self, logs: Vec<LogId>) -> Pending<Vec<Cursor>> {
        let (reply, pending) = oneshot::channel();
        self.order(Order::Do(Job::Heads(logs, reply))).await;
        Pending(pending)
    }

    /// Ends the thread after what is queued; later jobs are answered with `unavailable`.
    pub async fn close(&self) {
        self.order(Order::Close).await;
    }

    async fn order(&self, order: Order) {
        // A thread that is gone drops the reply, which the caller sees as unavailable.
        let _ = self.orders.send(order).await;
    }
}

/// A future answer.
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
    metrics: Arc<Metrics>,
    batching: Batching<Reply<Committed>, Reply<Vec<Cursor>>>,
}

impl Worker {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut is_open = true;
        loop {
            let next = if self.batching.is_empty() && is_open {
                orders.blocking_recv().or(Some(Order::Close))
            } else if self.batching.has_room() && is_open {
                orders.try_recv().ok()
            } else {
                None
            };
            match next {
                Some(Order::Do(job)) => self.batching.push(job),
                Some(Order::Close) => is_open = false,
                None => match self.batching.next_work() {
                    Some(work) => self.work(work),
                    None => return,
                },
            }
        }
    }

    fn work(&mut self, work: Work<Reply<Committed>, Reply<Vec<Cursor>>>) {
        let is_commit = matches!(work, Work::Commit(..));
        let started = Instant::now();
        let Done { news, answers } = work.run(&mut *self.store, &*self.log);
        if is_commit {
            self.metrics.committed(news.len(), started.elapsed());
        }
        self.bus.publish(&news);
        for answer in answers {
            // A caller that is gone does not need the answer.
            match answer {
                Answer::Committed(reply, result) => drop(reply.send(result)),
                Answer::Heads(reply, result) => drop(reply.send(result)),
            }
        }
    }
}
