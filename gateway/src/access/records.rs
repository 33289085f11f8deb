//! Restrictions that last: stored first, then in force.

use std::sync::Arc;

use alo_protocol::ErrorBody;
use tokio::sync::Mutex;

use super::{Access, Restriction, Target};
use crate::error::internal;

/// The restrictions of users. From any thread; calls block.
pub trait AccessRecords: Send + Sync {
    /// All of them, ended or not.
    ///
    /// # Errors
    /// Those of the store.
    fn restrictions(&self) -> Result<Vec<Restriction>, ErrorBody>;

    /// Stores a restriction durably, in place of the one of the same target; those that have ended may be
    /// forgotten.
    ///
    /// # Errors
    /// Those of the store.
    fn restrict(&self, restriction: &Restriction, now_ms: u64) -> Result<(), ErrorBody>;

    /// Forgets the restriction of a target, durably.
    ///
    /// # Errors
    /// Those of the store.
    fn release(&self, target: &Target) -> Result<(), ErrorBody>;
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Restrictions {
    access: Arc<Access>,
    records: Arc<dyn AccessRecords>,
    /// One change at a time, so that store and view agree.
    turn: Arc<Mutex<()>>,
}

impl Restrictions {
    /// Loads what is stored.
    ///
    /// # Errors
    /// Those of the store.
    pub fn load(access: Arc<Access>, records: Arc<dyn AccessRecords>) -> Result<Self, ErrorBody> {
        for restriction in records.restrictions()? {
            access.put(restriction);
        }
        Ok(Self {
            access,
            records,
            turn: Arc::default(),
        })
    }

    /// What is in force.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Restricts, durably. When this returns every request that begins is judged by it, and connections are notified.
    ///
    /// # Errors
    /// Those of the store: then nothing has changed.
    pub async fn put(&self, restriction: Restriction, now_ms: u64) -> Result<(), ErrorBody> {
        let _turn = self.turn.lock().await;
        let (records, row) = (self.records.clone(), restriction.clone());
        blocking(move || records.restrict(&row, now_ms)).await?;
        self.access.expire(now_ms);
        self.access.put(restriction);
        Ok(())
    }

    /// Ends a restriction; false if there was none.
    ///
    /// # Errors
    /// Those of the store: then nothing has changed.
    pub async fn remove(&self, target: Target, now_ms: u64) -> Result<bool, ErrorBody> {
        let _turn = self.turn.lock().await;
        let is_active = self.access.judge(|view| {
            let mut active = view.active(now_ms);
            active.any(|restriction| restriction.target == target)
        });
        let (records, row) = (self.records.clone(), target.clone());
        blocking(move || records.release(&row)).await?;
        self.access.remove(&target);
        Ok(is_active)
    }

    /// Ends the restrictions of a user, so that none names the user any more.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn forget(&self, user: &str, now_ms: u64) -> Result<(), ErrorBody> {
        let names = |target: &Target| target.user().is_some_and(|named| &**named == user);
        let targets: Vec<_> = self.access.judge(|view| {
            let all = view.active(0).map(|restriction| restriction.target.clone());
            all.filter(names).collect()
        });
        for target in targets {
            self.remove(target, now_ms).await?;
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ErrorBody> + Send + 'static,
) -> Result<T, ErrorBody> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}
