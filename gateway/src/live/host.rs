//! [`Live`] for the gateway's sockets: with a clock, a bus and a task for its deadlines.
#![allow(
    clippy::disallowed_methods,
    reason = "here the deadlines of `Live` are waited for"
)]

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alo_protocol::ErrorBody;
use tokio::{sync::Notify, time::sleep};

use super::{Act, Connection, Live};
use crate::{
    bus::{Bus, LocalBus},
    clock::Clock,
};

/// See the module.
#[derive(Clone)]
pub struct LiveHost(Arc<Inner>);

struct Inner {
    live: Mutex<Live>,
    bus: LocalBus,
    clock: Clock,
    /// There may be an earlier deadline.
    earlier: Notify,
    next: AtomicU64,
}

/// A connection; what it has begun ends when it is dropped.
pub struct Member {
    host: LiveHost,
    connection: Connection,
}

impl LiveHost {
    /// Nobody is there. Call [`LiveHost::run`] for what ends by time.
    pub fn new(bus: LocalBus, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            live: Mutex::default(),
            bus,
            clock,
            earlier: Notify::new(),
            next: AtomicU64::new(0),
        }))
    }

    /// A new connection.
    pub fn member(&self) -> Member {
        Member {
            host: self.clone(),
            connection: self.0.next.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Ends what expires, for ever.
    pub async fn run(self) {
        loop {
            let next = self.with(|live, _| live.next_timeout());
            let wait = async {
                match next {
                    Some(at) => {
                        let wait = at.saturating_sub(self.0.clock.steady_ms());
                        sleep(Duration::from_millis(wait)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => self.with(Live::timeout),
                () = self.0.earlier.notified() => {}
            }
        }
    }

    /// Changes what is live. Its signals are published before another change: all receive them in one order.
    fn with<T>(&self, change: impl FnOnce(&mut Live, u64) -> T) -> T {
        let inner = &*self.0;
        let mut live = inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        let before = live.next_timeout();
        let result = change(&mut live, inner.clock.steady_ms());
        let signals = live.take_signals();
        if !signals.is_empty() {
            inner.bus.publish(&signals);
        }
        let after = live.next_timeout();
        drop(live);
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            inner.earlier.notify_one();
        }
        result
    }
}

impl Member {
    /// See [`Live::act`].
    ///
    /// # Errors
    /// See there.
    pub fn act(&self, act: Act) -> Result<String, ErrorBody> {
        let connection = self.connection;
        self.host
            .with(|live, now_ms| live.act(now_ms, connection, act))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let connection = self.connection;
        self.host.with(|live, _| live.gone(connection));
    }
}
