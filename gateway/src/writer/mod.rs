//! One thread writes: what accumulates while a commit runs goes into the next one, so under load one
//! `fsync` serves many messages, and when idle none waits. [`Batching`] decides, the thread only drives.

mod batching;

use std::{sync::Arc, thread, time::Instant};

use alo_protocol::{ErrorBody, ErrorCode};
use tokio::sync::{mpsc, oneshot};

pub use batching::{Batching, Commit, Done};

use crate::{
    bus::Bus,
    metrics::Metrics,
    store::{Change, Committed, Store},
};

/// Maximum number of changes in one commit.
const BATCH: usize = 512;
/// Changes that may be queued before callers have to wait.
const QUEUE: usize = 4_096;

/// A handle to the writing thread. When it is closed, or the last handle dropped, the thread finishes
/// its queue and ends.
#[derive(Clone)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
}

enum Order {
    Commit(Change, Reply<Committed>),
    /// Answered when its turn comes.
    Respond(Reply<()>),
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
        bus: Arc<dyn Bus>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (orders, receiver) = mpsc::channel(QUEUE);
        let worker = Worker {
            store,
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
        self.order(Order::Commit(change, reply)).await;
        Pending(pending)
    }

    /// Answered by the thread: it runs.
    pub async fn respond(&self) -> Pending<()> {
        let (reply, pending) = oneshot::channel();
        self.order(Order::Respond(reply)).await;
        Pending(pending)
    }

    /// Ends the thread after what is queued; later orders are answered with `unavailable`.
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
    bus: Arc<dyn Bus>,
    metrics: Arc<Metrics>,
    batching: Batching<Reply<Committed>>,
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
                Some(Order::Commit(change, reply)) => self.batching.push(change, reply),
                // A caller that is gone does not need the answer.
                Some(Order::Respond(reply)) => drop(reply.send(Ok(()))),
                Some(Order::Close) => is_open = false,
                None => match self.batching.next_commit() {
                    Some(commit) => self.commit(commit),
                    None => return,
                },
            }
        }
    }

    fn commit(&mut self, commit: Commit<Reply<Committed>>) {
        let started = Instant::now();
        let Done { news, answers } = commit.run(&mut *self.store);
        self.metrics.committed(news.len(), started.elapsed());
        self.bus.publish(&news);
        for (reply, result) in answers {
            // A caller that is gone does not need the answer.
            drop(reply.send(result));
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
        store::{Draft, LogId, MemoryStore},
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
        let (report, sizes) = channel();
        let (may, permits) = channel();
        let gate = Gate {
            store: MemoryStore::default(),
            sizes: report,
            may: permits,
        };
        let (bus, metrics) = (LocalBus::default(), Arc::new(Metrics::default()));
        let out = Arc::new(bus.clone());
        let (writer, thread) = Writer::start(Box::new(gate), out, metrics.clone()).unwrap();
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
    async fn news_is_published_before_the_answer_and_the_thread_responds() {
        let kit = kit();
        let log = LogId::Channel("a".parse().unwrap());
        let mut subscriber = kit.bus.subscriber();
        subscriber.join(log);
        let committed = kit.commit(0).await;
        let response = kit.writer.respond().await;
        kit.may.send(()).unwrap();
        committed.answer().await.unwrap();
        assert!(matches!(
            subscriber.ready(),
            Some(Delivery::News(News::Event(_)))
        ));
        response.answer().await.unwrap();
    }
}
