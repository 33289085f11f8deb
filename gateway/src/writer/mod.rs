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

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, Sender, channel},
        time::Duration,
    };

    use alo_protocol::Uuid;

    use super::*;
    use crate::{
        bus::{Delivery, LocalBus, News},
        store::{Draft, MemoryStore},
    };

    /// A store that reports how many changes a commit has, and makes it when it may.
    struct Gate {
        store: MemoryStore,
        sizes: Sender<usize>,
        may: Receiver<()>,
    }

    impl Store for Gate {
        fn commit(&mut self, changes: Vec<Change>) -> Vec<Result<Committed, ErrorBody>> {
            self.sizes.send(changes.len()).unwrap();
            self.may.recv_timeout(Duration::from_secs(20)).unwrap();
            self.store.commit(changes)
        }
    }

    struct Kit {
        writer: Writer,
        thread: thread::JoinHandle<()>,
        bus: LocalBus,
        sizes: Receiver<usize>,
        may: Sender<()>,
        metrics: Arc<Metrics>,
    }

    fn kit() -> Kit {
        let store = MemoryStore::default();
        let (report, sizes) = channel();
        let (may, permits) = channel();
        let gate = Gate {
            store: store.clone(),
            sizes: report,
            may: permits,
        };
        let (bus, metrics) = (LocalBus::default(), Arc::new(Metrics::default()));
        let (log, out) = (Arc::new(store), Arc::new(bus.clone()));
        let (writer, thread) = Writer::start(Box::new(gate), log, out, metrics.clone()).unwrap();
        Kit {
            writer,
            thread,
            bus,
            sizes,
            may,
            metrics,
        }
    }

    impl Kit {
        /// The size of the commit that has begun.
        fn begun(&self) -> usize {
            self.sizes.recv_timeout(Duration::from_secs(20)).unwrap()
        }

        async fn commit(&self, number: u16) -> Pending<Committed> {
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            let id = Uuid::from_bytes(bytes);
            let draft = Draft {
                id,
                key: id,
                channel: "a".parse().unwrap(),
                user_id: "ada".into(),
                content: String::new(),
                metadata: None,
                parent_id: None,
                file_ids: Vec::new(),
                now_ms: 0,
            };
            self.writer.commit(Change::Send(draft)).await
        }
    }

    #[tokio::test]
    async fn what_comes_while_a_commit_runs_goes_into_the_next_up_to_its_limit() {
        let kit = kit();
        let mut answers = vec![kit.commit(0).await];
        assert_eq!(kit.begun(), 1, "the first waits for no other");
        for number in 0..=BATCH as u16 {
            answers.push(kit.commit(1 + number).await);
        }
        for size in [BATCH, 1] {
            kit.may.send(()).unwrap();
            assert_eq!(kit.begun(), size);
        }
        kit.may.send(()).unwrap();
        for answer in answers {
            answer.answer().await.unwrap();
        }
        let metrics = kit.metrics.text();
        assert!(metrics.contains("commit_batch_size_count 3"), "{metrics}");
    }

    #[tokio::test]
    async fn what_is_queued_is_answered_and_what_comes_after_the_close_is_not() {
        let kit = kit();
        let mut early = vec![kit.commit(0).await];
        kit.begun();
        early.push(kit.commit(1).await);
        kit.writer.close().await;
        let late = kit.commit(2).await;
        for _ in 0..3 {
            // One more than is needed.
            kit.may.send(()).unwrap();
        }
        for answer in early {
            answer.answer().await.unwrap();
        }
        let refused = late.answer().await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        kit.thread.join().unwrap();
    }

    #[tokio::test]
    async fn news_is_published_before_the_answer_and_heads_come_in_order() {
        let kit = kit();
        let log = LogId::Channel("a".parse().unwrap());
        let mut subscriber = kit.bus.subscriber();
        subscriber.join(log.clone());
        let before = kit.writer.heads(vec![log.clone()]).await;
        let committed = kit.commit(0).await;
        let after = kit.writer.heads(vec![log]).await;
        kit.may.send(()).unwrap();
        committed.answer().await.unwrap();
        assert!(matches!(
            subscriber.ready(),
            Some(Delivery::News(News::Event(_)))
        ));
        assert_eq!(before.answer().await.unwrap()[0].seq, 0);
        assert_eq!(after.answer().await.unwrap()[0].seq, 1);
    }
}
