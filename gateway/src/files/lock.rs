//! One request at a time writes to an upload. A newer one takes over: the older one is most likely a
//! connection whose other end is gone, so it is asked to keep what it has and end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alo_protocol::{ErrorBody, ErrorCode, Uuid};
use tokio::sync::{OwnedMutexGuard, watch};

/// How long a request waits for an older one to end.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Locks {
    slots: Mutex<HashMap<Uuid, Arc<Slot>>>,
}

struct Slot {
    mutex: Arc<tokio::sync::Mutex<()>>,
    /// How many wait.
    wanted: watch::Sender<usize>,
}

/// Holds an upload until dropped.
pub(crate) struct Guard {
    locks: Arc<Locks>,
    id: Uuid,
    slot: Arc<Slot>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Takes the upload, from an older request if necessary.
    ///
    /// # Errors
    /// `upload-locked` when the older one does not end in time.
    pub(crate) async fn take(self: &Arc<Self>, id: Uuid) -> Result<Guard, ErrorBody> {
        let slot = self.slot(id);
        let mutex = slot.mutex.clone();
        let mut guard = Guard {
            locks: self.clone(),
            id,
            slot,
            held: None,
        };
        let waiting = Waiting::new(&guard.slot.wanted);
        let held = tokio::time::timeout(PATIENCE, mutex.lock_owned()).await;
        drop(waiting);
        guard.held = Some(held.map_err(|_| {
            ErrorBody::new(
                ErrorCode::UploadLocked,
                "another request is writing to this upload",
            )
        })?);
        Ok(guard)
    }

    /// Takes the upload if nobody has it.
    pub(crate) fn take_free(self: &Arc<Self>, id: Uuid) -> Option<Guard> {
        let slot = self.slot(id);
        let held = slot.mutex.clone().try_lock_owned().ok();
        let guard = Guard {
            locks: self.clone(),
            id,
            slot,
            held,
        };
        guard.held.is_some().then_some(guard)
    }

    fn slot(&self, id: Uuid) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Slot {
                mutex: Arc::default(),
                wanted: watch::Sender::new(0),
            })
        };
        slots.entry(id).or_insert_with(new).clone()
    }
}

impl Guard {
    /// Resolves when a newer request wants the upload.
    pub(crate) async fn wanted(&self) {
        let mut wanted = self.slot.wanted.subscribe();
        // The sender lives as long as this guard.
        let _ = wanted.wait_for(|waiting| *waiting > 0).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.held = None;
        let mut slots = self
            .locks
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Two are left: the map's and this one. New ones are made under the map's lock only.
        if Arc::strong_count(&self.slot) == 2 {
            slots.remove(&self.id);
        }
    }
}

/// Counts one that waits for as long as it lives.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(wanted: &'a watch::Sender<usize>) -> Self {
        wanted.send_modify(|waiting| *waiting += 1);
        Self(wanted)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";

    #[tokio::test]
    async fn a_newer_request_takes_over() {
        let locks = Arc::<Locks>::default();
        let id = ID.parse().unwrap();
        let first = locks.take(id).await.unwrap();
        let older = async {
            first.wanted().await;
            drop(first);
        };
        let ((), second) = tokio::join!(older, locks.take(id));
        drop(second.unwrap());
        assert!(locks.slots.lock().unwrap().is_empty(), "slots are returned");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_end_keeps_its_lock() {
        let locks = Arc::<Locks>::default();
        let id = ID.parse().unwrap();
        let first = locks.take(id).await.unwrap();
        let Err(error) = locks.take(id).await else {
            panic!("the lock was taken twice")
        };
        assert_eq!(error.code, ErrorCode::UploadLocked);
        assert!(locks.take_free(id).is_none());
        drop(first);
        assert!(locks.slots.lock().unwrap().is_empty());
        assert!(locks.take_free(id).is_some());
    }
}
