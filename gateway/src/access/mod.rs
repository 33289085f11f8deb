//! What users may no longer do: revocations of tokens and channels, bans and mutes. [`View`] judges, without a
//! clock; [`Access`] shares one view among sessions and requests and reports its changes; [`Restrictions`] makes
//! changes durable first.

mod records;
mod view;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use alo_protocol::ErrorBody;
use tokio::sync::watch;

pub use records::{AccessRecords, Restrictions};
pub use view::{Concern, Holder, Restriction, Target, View};

/// A view that is shared.
pub struct Access {
    view: RwLock<View>,
    changes: watch::Sender<u64>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            view: RwLock::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access")
    }
}

impl Access {
    /// Restricts from now on; replaces what there was for the same target.
    pub fn put(&self, restriction: Restriction) {
        self.change(|view| view.put(restriction));
    }

    /// Ends a restriction.
    pub fn remove(&self, target: &Target) {
        self.change(|view| view.remove(target));
    }

    /// Forgets what has ended.
    pub fn expire(&self, now_ms: u64) {
        self.change(|view| view.expire(now_ms));
    }

    /// Judges by the present view.
    pub fn judge<T>(&self, judge: impl FnOnce(&View) -> T) -> T {
        judge(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reports changes from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut view);
        let version = view.version();
        drop(view);
        self.changes.send_replace(version);
    }
}

/// Ends when something is no longer permitted, with the reason.
pub async fn until_refused(
    access: &Arc<Access>,
    check: impl Fn() -> Result<(), ErrorBody>,
) -> ErrorBody {
    let mut changes = access.changes();
    loop {
        if let Err(error) = check() {
            return error;
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
