//! The hub and its mailboxes, with wakers for tasks.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use super::{Bus, Delivery, Hub, Mailbox, News};
use crate::store::LogId;

/// News that may wait for one connection before it has to catch up from the log.
const QUEUE: usize = 1_024;

/// The subscribers of this process.
#[derive(Clone, Default)]
pub struct LocalBus {
    hub: Arc<Mutex<Hub<Arc<Slot>>>>,
    next: Arc<AtomicU64>,
}

/// A mailbox and the task that waits for it.
struct Slot(Mutex<Waiting>);

struct Waiting {
    mailbox: Mailbox,
    waker: Option<Waker>,
}

/// One connection's end of the bus; it leaves all logs when dropped.
pub struct Subscriber {
    bus: LocalBus,
    number: u64,
    slot: Arc<Slot>,
    joined: Vec<LogId>,
}

impl LocalBus {
    /// A new subscriber, in no log yet.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber {
            bus: self.clone(),
            number: self.next.fetch_add(1, Ordering::Relaxed),
            slot: Arc::new(Slot(Mutex::new(Waiting {
                mailbox: Mailbox::new(QUEUE),
                waker: None,
            }))),
            joined: Vec::new(),
        }
    }

    fn hub(&self) -> MutexGuard<'_, Hub<Arc<Slot>>> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for LocalBus {
    fn publish(&self, news: &[News]) {
        self.hub().publish(news, |slot, news| slot.put(news));
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, news: &[&News]) {
        let mut waiting = self.lock();
        for news in news {
            waiting.mailbox.put((*news).clone());
        }
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Delivery> {
        let mut waiting = self.lock();
        if let Some(delivery) = waiting.mailbox.take() {
            return Poll::Ready(delivery);
        }
        match &mut waiting.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Subscriber {
    /// Subscribes to the news of the log.
    pub fn join(&mut self, log: LogId) {
        self.bus
            .hub()
            .join(log.clone(), self.number, self.slot.clone());
        if !self.joined.contains(&log) {
            self.joined.push(log);
        }
    }

    /// Undoes [`Subscriber::join`]; news already queued is still delivered.
    pub fn leave(&mut self, log: &LogId) {
        self.joined.retain(|joined| joined != log);
        self.bus.hub().leave(log, self.number);
    }

    /// The next delivery.
    pub async fn next(&mut self) -> Delivery {
        std::future::poll_fn(|context| self.slot.poll(context)).await
    }

    /// The next delivery, if there is one already.
    pub fn ready(&mut self) -> Option<Delivery> {
        self.slot.lock().mailbox.take()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let mut hub = self.bus.hub();
        for log in &self.joined {
            hub.leave(log, self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LogEvent;

    fn event(seq: u64) -> News {
        event_of("a", seq)
    }

    fn event_of(channel: &str, seq: u64) -> News {
        News::Event(Arc::new(LogEvent {
            log: log(channel),
            seq,
            push: "{}".into(),
        }))
    }

    fn log(channel: &str) -> LogId {
        LogId::Channel(channel.parse().unwrap())
    }

    async fn next(subscriber: &mut Subscriber) -> (LogId, u64) {
        match subscriber.next().await {
            Delivery::News(News::Event(event)) => (event.log.clone(), event.seq),
            other @ (Delivery::News(_) | Delivery::Lagged | Delivery::Missed(_)) => {
                panic!("{other:?}")
            }
        }
    }

    #[tokio::test]
    async fn a_commit_over_many_channels_reaches_each_in_order() {
        let bus = LocalBus::default();
        let (mut of_a, mut of_both) = (bus.subscriber(), bus.subscriber());
        of_a.join(log("a"));
        of_both.join(log("a"));
        of_both.join(log("b"));
        bus.publish(&[
            event_of("b", 7),
            event_of("a", 1),
            event_of("b", 8),
            event_of("a", 2),
            event_of("c", 1),
        ]);
        for seq in 1..=2 {
            assert_eq!(next(&mut of_a).await, (log("a"), seq));
        }
        assert!(of_a.ready().is_none());
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(next(&mut of_both).await);
        }
        let of = |channel: &str| {
            let seqs = seen.iter().filter(|(id, _)| *id == log(channel));
            seqs.map(|(_, seq)| *seq).collect::<Vec<_>>()
        };
        assert_eq!((of("a"), of("b")), (vec![1, 2], vec![7, 8]));
        assert!(of_both.ready().is_none());
    }

    #[tokio::test]
    async fn a_full_queue_is_reported_and_blocks_nobody() {
        let bus = LocalBus::default();
        let (mut slow, mut other) = (bus.subscriber(), bus.subscriber());
        slow.join(log("a"));
        for seq in 0..=QUEUE as u64 {
            bus.publish(&[event(seq)]);
        }
        other.join(log("a"));
        bus.publish(&[event(5_000)]);
        assert_eq!(next(&mut other).await.1, 5_000);
        assert!(matches!(slow.ready(), Some(Delivery::Lagged)));
        assert_eq!(next(&mut slow).await.1, 0);
        bus.publish(&[event(6_000), event(6_001)]);
        assert!(matches!(slow.ready(), Some(Delivery::Lagged)));
    }

    #[tokio::test]
    async fn who_left_receives_nothing() {
        let bus = LocalBus::default();
        let (mut gone, mut stays) = (bus.subscriber(), bus.subscriber());
        let channel = log("a");
        gone.join(channel.clone());
        stays.join(channel.clone());
        gone.leave(&channel);
        bus.publish(&[event(1)]);
        assert!(matches!(stays.next().await, Delivery::News(_)));
        assert!(gone.ready().is_none());
        drop((gone, stays));
        assert!(bus.hub().is_empty());
    }

    #[tokio::test]
    async fn who_is_dropped_leaves_what_it_has_not_left() {
        let bus = LocalBus::default();
        let mut dropped = bus.subscriber();
        dropped.join(log("a"));
        dropped.join(log("b"));
        dropped.join(log("b"));
        dropped.leave(&log("a"));
        assert_eq!(dropped.joined, [log("b")]);
        drop(dropped);
        assert!(bus.hub().is_empty());
    }

    #[tokio::test]
    async fn who_waits_is_woken_once_all_of_a_commit_is_there() {
        let bus = LocalBus::default();
        let mut waits = bus.subscriber();
        waits.join(log("a"));
        let task = tokio::spawn(async move {
            let first = next(&mut waits).await;
            (first, waits.ready().is_some(), waits.ready().is_none())
        });
        tokio::task::yield_now().await;
        bus.publish(&[event(1), event(2)]);
        assert_eq!(task.await.unwrap(), ((log("a"), 1), true, true));
    }
}
