//! Erasing messages, channels and users, and what is older than it may be kept: from the log, from the files and
//! from the disk.
//!
//! Everything is done in steps that the writer does between other commits. An erasure is answered when nothing of the
//! content is left; one that fails on its way can be repeated.

mod flags;
mod retention;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alo_protocol::{ChannelId, ErrorBody, UserId, Uuid};
use tokio::sync::Mutex;

use crate::{
    access::Restrictions,
    clock::Clock,
    error::internal,
    files::Files,
    store::{Change, Cut, Deleter, Deletion, Erasure, Owner, Upto},
    writer::Writer,
};

pub use flags::RetentionFlags;

/// Messages that one step removes.
const STEP: usize = 256;

/// Cheap to clone.
#[derive(Clone)]
pub struct Eraser {
    writer: Writer,
    files: Files,
    rows: Arc<dyn Erasure>,
    restrictions: Restrictions,
    clock: Clock,
    cleaning: Arc<Cleaning>,
}

/// Erasures at the same time share one search of the disk.
#[derive(Default)]
struct Cleaning {
    asked: AtomicU64,
    /// How many of those asked for are done.
    done: Mutex<u64>,
}

impl Eraser {
    /// Erases what this writer writes.
    pub fn new(
        writer: Writer,
        files: Files,
        rows: Arc<dyn Erasure>,
        restrictions: Restrictions,
        clock: Clock,
    ) -> Self {
        Self {
            writer,
            files,
            rows,
            restrictions,
            clock,
            cleaning: Arc::default(),
        }
    }

    /// Erases a message.
    ///
    /// # Errors
    /// `message-not-found`, and those of the store.
    pub async fn message(&self, channel: ChannelId, message: Uuid) -> Result<(), ErrorBody> {
        let deletion = Deletion {
            channel,
            message,
            by: Deleter::Platform,
        };
        self.commit(Change::Delete(deletion)).await?;
        self.clean().await
    }

    /// Erases what was sent and uploaded in a channel until now. Its readers get a gap; the channel can be used on.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn channel(&self, channel: ChannelId) -> Result<(), ErrorBody> {
        self.cut(&channel, Upto::All).await?;
        while self
            .with_rows({
                let channel = channel.clone();
                move |rows| rows.has_cut(&channel)
            })
            .await?
        {
            self.cut(&channel, Upto::Known).await?;
        }
        self.with_rows(move |rows| rows.end_uploads(&Owner::Channel(channel)))
            .await?;
        self.clean().await
    }

    /// Erases what a user has sent, uploaded and read until now, and the restrictions that name the user.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn user(&self, user: UserId) -> Result<(), ErrorBody> {
        let mut after = None;
        loop {
            let found = self
                .with_rows({
                    let user = user.clone();
                    move |rows| rows.messages_of(&user, after)
                })
                .await?;
            for messages in found.found.chunks(STEP) {
                let mut pending = Vec::with_capacity(messages.len());
                for (channel, message) in messages {
                    let deletion = Deletion {
                        channel: channel.clone(),
                        message: *message,
                        by: Deleter::Platform,
                    };
                    pending.push(self.writer.commit(Change::Delete(deletion)).await);
                }
                for pending in pending {
                    pending.answer().await?;
                }
            }
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        self.restrictions
            .forget(user.as_str(), self.clock.now_ms())
            .await?;
        self.with_rows(move |rows| {
            rows.end_uploads(&Owner::User(user.clone()))?;
            rows.remove_user(&user)
        })
        .await?;
        self.clean().await
    }

    async fn cut(&self, channel: &ChannelId, upto: Upto) -> Result<(), ErrorBody> {
        let cut = Cut {
            channel: channel.clone(),
            upto,
            most: STEP,
        };
        self.commit(Change::Cut(cut)).await
    }

    async fn commit(&self, change: Change) -> Result<(), ErrorBody> {
        self.writer.commit(change).await.answer().await.map(drop)
    }

    /// Removes the bytes of files that have ended, and the remains of rows on the disk.
    async fn clean(&self) -> Result<(), ErrorBody> {
        let mine = self.cleaning.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut done = self.cleaning.done.lock().await;
        if *done >= mine {
            return Ok(());
        }
        let all = self.cleaning.asked.load(Ordering::SeqCst);
        self.files.remove_all_ended(self.clock.now_ms()).await?;
        let mut from = Some(0);
        while let Some(page) = from {
            from = self.with_rows(move |rows| rows.scrub(page)).await?;
        }
        *done = all;
        Ok(())
    }

    async fn with_rows<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Erasure) -> Result<T, ErrorBody> + Send + 'static,
    ) -> Result<T, ErrorBody> {
        let rows = self.rows.clone();
        tokio::task::spawn_blocking(move || work(&*rows))
            .await
            .map_err(internal)?
    }
}
