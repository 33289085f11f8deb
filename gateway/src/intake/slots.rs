//! Slots for connections: in total, and by address.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
};

use futures_util::task::AtomicWaker;

use crate::{limits::Address, metrics::Metrics};

/// Slots of a listener that must answer when all others are taken.
pub(super) const RESERVED: usize = 32;
/// Open files that are left for the database, logs and reserved slots, at least.
const FILES: usize = 64;

/// How many connections the limit of open files has room for, beside files and database.
pub(super) fn by_open_files() -> usize {
    let Ok((limit, _)) = rlimit::Resource::NOFILE.get() else {
        return usize::MAX;
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let left = (limit / 4).max(FILES);
    limit.saturating_sub(left).max(1)
}

/// A number of connections that may be open.
///
/// A connection that waits for a request, or for a hello, has its slot only as long as nobody needs it: if none is
/// free, the one that has waited longest loses it. So silent connections cannot keep out those that speak.
#[derive(Clone)]
pub struct Slots(Arc<Inner>);

struct Inner {
    total: usize,
    per_address: usize,
    counts: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    metrics: Arc<Metrics>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    open: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Those that can be evicted, the longest waiting first.
    waiting: BTreeMap<u64, Arc<Eviction>>,
    next: u64,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its address has too many.
    Address,
    /// There are too many, and none waits.
    Total,
}

impl Refusal {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Total => "total",
        }
    }
}

/// The slot of a connection, until dropped.
pub struct Slot {
    slots: Slots,
    /// `None` if it is not counted.
    address: Option<IpAddr>,
    eviction: Arc<Eviction>,
    turn: Option<u64>,
}

#[derive(Default)]
struct Eviction {
    is_due: AtomicBool,
    waker: AtomicWaker,
}

impl Slots {
    /// See the fields of [`super::IntakeConfig`].
    pub fn new(
        total: usize,
        per_address: usize,
        counts: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Inner {
            total,
            per_address,
            counts,
            metrics,
            book: Mutex::default(),
        }))
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// When there is none.
    pub fn take(&self, peer: IpAddr) -> Result<Slot, Refusal> {
        let peer = peer.to_canonical();
        let is_counted = self.0.per_address > 0 && (self.0.counts)(peer);
        let slot = self.enter(
            is_counted
                .then_some(peer)
                .and_then(|peer| Address::of(peer).ip()),
        );
        match &slot {
            Ok(_) => {
                self.0.metrics.sockets.inc();
            }
            Err(refusal) => self.0.metrics.refused(refusal.as_str()),
        }
        slot
    }

    fn enter(&self, address: Option<IpAddr>) -> Result<Slot, Refusal> {
        let mut book = self.book();
        if let Some(address) = &address
            && book.by_address.get(address).copied().unwrap_or(0) >= self.0.per_address
        {
            return Err(Refusal::Address);
        }
        if book.open >= self.0.total {
            let (_, evicted) = book.waiting.pop_first().ok_or(Refusal::Total)?;
            evicted.is_due.store(true, Ordering::Release);
            evicted.waker.wake();
        }
        book.open += 1;
        if let Some(address) = address {
            *book.by_address.entry(address).or_default() += 1;
        }
        drop(book);
        Ok(Slot {
            slots: self.clone(),
            address,
            eviction: Arc::default(),
            turn: None,
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Whether the connection waits, and so may lose its slot.
    pub fn set_waiting(&mut self, waits: bool) {
        let mut book = self.slots.book();
        if let Some(turn) = self.turn.take() {
            book.waiting.remove(&turn);
        }
        if waits {
            let turn = book.next;
            book.next += 1;
            book.waiting.insert(turn, self.eviction.clone());
            self.turn = Some(turn);
        }
    }

    /// Whether the slot is lost; the task of `cx` is woken when it is.
    pub fn is_lost(&self, cx: &Context<'_>) -> bool {
        if self.turn.is_some() {
            self.eviction.waker.register(cx.waker());
        }
        self.eviction.is_due.load(Ordering::Acquire)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut book = self.slots.book();
        book.open -= 1;
        if let Some(turn) = self.turn {
            book.waiting.remove(&turn);
        }
        if let Some(address) = self.address
            && let Some(count) = book.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                book.by_address.remove(&address);
            }
        }
        drop(book);
        self.slots.0.metrics.sockets.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker_ref;

    fn slots(total: usize, per_address: usize) -> Slots {
        Slots::new(
            total,
            per_address,
            Arc::new(|address| !address.is_loopback()),
            Arc::default(),
        )
    }

    fn take(slots: &Slots, address: &str) -> Result<Slot, Refusal> {
        slots.take(address.parse().unwrap())
    }

    fn is_lost(slot: &Slot) -> bool {
        slot.is_lost(&Context::from_waker(noop_waker_ref()))
    }

    #[test]
    fn an_address_has_so_many_and_others_have_theirs() {
        let slots = slots(100, 2);
        let first = take(&slots, "192.0.2.1").unwrap();
        let _second = take(&slots, "::ffff:192.0.2.1").unwrap();
        assert_eq!(take(&slots, "192.0.2.1").err(), Some(Refusal::Address));
        let _other = take(&slots, "192.0.2.2").unwrap();
        drop(first);
        let _again = take(&slots, "192.0.2.1").unwrap();
        // One customer, many addresses.
        let _six = take(&slots, "2001:db8::1").unwrap();
        let _six = (take(&slots, "2001:db8::2").unwrap(), _six);
        assert_eq!(take(&slots, "2001:db8::3").err(), Some(Refusal::Address));
        // Proxies of this machine.
        let _proxy: Vec<_> = (0..10)
            .map(|_| take(&slots, "127.0.0.1").unwrap())
            .collect();
    }

    #[test]
    fn who_has_waited_longest_makes_room() {
        let slots = slots(2, 0);
        let mut first = take(&slots, "192.0.2.1").unwrap();
        let mut second = take(&slots, "192.0.2.1").unwrap();
        assert_eq!(take(&slots, "192.0.2.9").err(), Some(Refusal::Total));
        first.set_waiting(true);
        second.set_waiting(true);
        // It has waited again since.
        first.set_waiting(true);
        let third = take(&slots, "192.0.2.2").unwrap();
        assert!(is_lost(&second) && !is_lost(&first) && !is_lost(&third));
        // The slot that was lost is not free before its connection is gone.
        first.set_waiting(false);
        assert_eq!(take(&slots, "192.0.2.9").err(), Some(Refusal::Total));
        drop(second);
        assert_eq!(take(&slots, "192.0.2.9").err(), Some(Refusal::Total));
        drop(third);
        let _fourth = take(&slots, "192.0.2.9").unwrap();
    }
}
