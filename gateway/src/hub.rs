//! Fan-out of committed events to the connections of this gateway.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use alo_protocol::ChannelId;
use futures_util::FutureExt;
use tokio::sync::mpsc;

use crate::store::LogEvent;

/// Events that may wait for one connection before it is told to catch up from the log.
const QUEUE: usize = 1_024;

/// A way committed events reach subscribers. In one gateway it is [`LocalBus`].
pub trait Bus: Send + Sync {
    /// Hands the events of a commit to all who joined their channels, those of one channel in the order
    /// they were committed. Never waits.
    fn publish(&self, events: &[Arc<LogEvent>]);
}

/// The subscribers of this process.
#[derive(Clone, Default)]
pub struct LocalBus {
    channels: Arc<Mutex<HashMap<ChannelId, HashMap<u64, Mailbox>>>>,
    next: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Mailbox {
    sender: mpsc::Sender<Arc<LogEvent>>,
    lagged: Arc<AtomicBool>,
}

/// One connection's end of the bus; it leaves all channels when dropped.
pub struct Subscriber {
    bus: LocalBus,
    id: u64,
    mailbox: Mailbox,
    receiver: mpsc::Receiver<Arc<LogEvent>>,
    joined: Vec<ChannelId>,
}

/// What a subscriber receives.
#[derive(Debug)]
pub enum Delivery {
    /// An event.
    Event(Arc<LogEvent>),
    /// Events were left out because the queue was full: read the log.
    Lagged,
}

impl LocalBus {
    /// A new subscriber, in no channel yet.
    pub fn subscriber(&self) -> Subscriber {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Subscriber {
            bus: self.clone(),
            id: self.next.fetch_add(1, Ordering::Relaxed),
            mailbox: Mailbox {
                sender,
                lagged: Arc::default(),
            },
            receiver,
            joined: Vec::new(),
        }
    }
}

impl Bus for LocalBus {
    fn publish(&self, events: &[Arc<LogEvent>]) {
        let mut events: Vec<_> = events.iter().collect();
        events.sort_by(|one, other| one.log.cmp(&other.log));
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        for events in events.chunk_by(|one, other| one.log == other.log) {
            // Subscriber by subscriber: when one wakes, all of its events are there for one frame.
            let members = events[0].log.channel().and_then(|id| channels.get(id));
            for mailbox in members.into_iter().flat_map(HashMap::values) {
                for event in events {
                    mailbox.put((*event).clone());
                }
            }
        }
    }
}

impl Mailbox {
    fn put(&self, event: Arc<LogEvent>) {
        if self.sender.try_send(event).is_err() {
            self.lagged.store(true, Ordering::Release);
        }
    }
}

impl Subscriber {
    /// From now on events of the channel are received.
    pub fn join(&mut self, channel: ChannelId) {
        let mut channels = self
            .bus
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        channels
            .entry(channel.clone())
            .or_default()
            .insert(self.id, self.mailbox.clone());
        drop(channels);
        if !self.joined.contains(&channel) {
            self.joined.push(channel);
        }
    }

    /// Ends what [`Subscriber::join`] began; events already queued still come.
    pub fn leave(&mut self, channel: &ChannelId) {
        self.joined.retain(|joined| joined != channel);
        self.bus.remove(channel, self.id);
    }

    /// The next event.
    pub async fn next(&mut self) -> Delivery {
        if self.mailbox.lagged.swap(false, Ordering::AcqRel) {
            return Delivery::Lagged;
        }
        match self.receiver.recv().await {
            Some(event) => Delivery::Event(event),
            // The subscriber itself holds a sender, so the channel never closes.
            None => std::future::pending().await,
        }
    }

    /// The next event, if it is there already. What was left out is told before what came after it.
    pub fn ready(&mut self) -> Option<Delivery> {
        self.next().now_or_never()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        for channel in &self.joined {
            self.bus.remove(channel, self.id);
        }
    }
}

impl LocalBus {
    fn remove(&self, channel: &ChannelId, id: u64) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = channels.get_mut(channel) {
            members.remove(&id);
            if members.is_empty() {
                channels.remove(channel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64) -> Arc<LogEvent> {
        event_of("a", seq)
    }

    fn event_of(channel: &str, seq: u64) -> Arc<LogEvent> {
        Arc::new(LogEvent {
            log: channel.parse::<ChannelId>().unwrap().into(),
            seq,
            push: "{}".into(),
        })
    }

    async fn next(subscriber: &mut Subscriber) -> (String, u64) {
        match subscriber.next().await {
            Delivery::Event(event) => (event.log.channel().unwrap().as_str().to_owned(), event.seq),
            Delivery::Lagged => panic!("nothing is left out"),
        }
    }

    #[tokio::test]
    async fn a_commit_over_many_channels_reaches_each_in_order() {
        let bus = LocalBus::default();
        let (mut of_a, mut of_both) = (bus.subscriber(), bus.subscriber());
        of_a.join("a".parse().unwrap());
        of_both.join("a".parse().unwrap());
        of_both.join("b".parse().unwrap());
        bus.publish(&[
            event_of("b", 7),
            event_of("a", 1),
            event_of("b", 8),
            event_of("a", 2),
            event_of("c", 1),
        ]);
        for seq in 1..=2 {
            assert_eq!(next(&mut of_a).await, ("a".to_owned(), seq));
        }
        assert!(of_a.ready().is_none());
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(next(&mut of_both).await);
        }
        let of = |channel: &str| {
            let seqs = seen.iter().filter(|(id, _)| id == channel);
            seqs.map(|(_, seq)| *seq).collect::<Vec<_>>()
        };
        assert_eq!((of("a"), of("b")), (vec![1, 2], vec![7, 8]));
        assert!(of_both.ready().is_none());
    }

    #[tokio::test]
    async fn a_full_queue_is_told_and_blocks_nobody() {
        let bus = LocalBus::default();
        let (mut slow, mut other) = (bus.subscriber(), bus.subscriber());
        slow.join("a".parse().unwrap());
        for seq in 0..=QUEUE as u64 {
            bus.publish(&[event(seq)]);
        }
        other.join("a".parse().unwrap());
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
        let channel: ChannelId = "a".parse().unwrap();
        gone.join(channel.clone());
        stays.join(channel.clone());
        gone.leave(&channel);
        bus.publish(&[event(1)]);
        assert!(matches!(stays.next().await, Delivery::Event(_)));
        assert!(gone.receiver.try_recv().is_err());
        drop((gone, stays));
        assert!(bus.channels.lock().unwrap().is_empty());
    }
}
