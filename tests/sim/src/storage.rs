//! What browsers keep beyond the end of a page: one disk for each person. Accesses take time and come in
//! order; those under way when the page ends are lost, and some writes find no room.

use alo_chat::core::{Input, Kept, KeptFile, Storage, UploadId};
use alo_protocol::Uuid;

use crate::{
    client,
    oracle::Tag,
    wire::Payload,
    world::{self, World},
};

/// A person's browser storage.
#[derive(Default)]
pub(crate) struct Disk {
    messages: Vec<Written>,
    /// No access comes before this time: they come in order.
    busy_until: u64,
}

/// A message on the disk.
#[derive(Debug)]
pub(crate) struct Written {
    tag: Tag,
    /// The page that holds it: another may take it over when that one is gone.
    holder: u32,
    message: Kept<Payload>,
}

/// On its way to the disk.
#[derive(Debug)]
pub(crate) enum Access {
    Keep(Written),
    KeepUpload {
        upload: UploadId,
        key: Uuid,
        location: Option<String>,
    },
    Forget(Uuid),
    Restore,
}

impl World {
    /// Hands on what a client asks of storage.
    pub(crate) fn store(&mut self, index: usize, storage: Storage<Payload>) {
        let life = self.clients[index].life;
        let access = match storage {
            Storage::Keep(message) => {
                let Some(tag) = Tag::of_body(message.body.as_str()) else {
                    return self.violate(format!("client {index} keeps {message:?}"));
                };
                Access::Keep(Written {
                    tag,
                    holder: life,
                    message,
                })
            }
            Storage::KeepUpload {
                upload,
                key,
                location,
            } => Access::KeepUpload {
                upload,
                key,
                location,
            },
            Storage::Forget(key) => Access::Forget(key),
            Storage::Restore { user } => {
                if user != self.clients[index].user {
                    self.violate(format!("client {index} restores for {user}"));
                }
                Access::Restore
            }
        };
        let is_slow = self.happens(self.profile.storage_errors);
        let delay = self.rng.u64(..if is_slow { 20_000 } else { 20 });
        let disk = &mut self.disks[index];
        disk.busy_until = disk.busy_until.max(self.now + delay);
        let at = disk.busy_until;
        let event = client::Event::Storage(access);
        self.schedule_at(at, world::Event::Client(index, life, event));
    }

    pub(crate) fn accessed(&mut self, index: usize, access: Access) {
        let fails = self.happens(self.profile.storage_errors);
        let (life, disk) = (self.clients[index].life, &mut self.disks[index]);
        match access {
            Access::Keep(_) | Access::KeepUpload { .. } if fails => {
                self.counts.add("fault: storage full");
            }
            Access::Keep(written) => disk.messages.push(written),
            Access::KeepUpload {
                upload,
                key,
                location,
            } => {
                let held = disk.messages.iter_mut().filter(|one| one.holder == life);
                for file in held.flat_map(|one| &mut one.message.files) {
                    if file.upload == upload {
                        (file.key, file.location) = (key, location.clone());
                    }
                }
            }
            Access::Forget(key) => disk.messages.retain(|one| one.message.key != key),
            Access::Restore if fails => {
                self.counts.add("fault: storage cannot be read");
                self.input(index, Input::Restored(vec![]));
            }
            Access::Restore => self.bring(index, life),
        }
    }

    /// A page has ended: what is on its disk must be sent by another.
    pub(crate) fn leave(&mut self, index: usize) {
        for written in &self.disks[index].messages {
            self.oracle.left(written.tag);
        }
    }

    /// Whether its storage holds messages of pages that are gone.
    pub(crate) fn has_left(&self, index: usize) -> bool {
        let life = self.clients[index].life;
        let mut held = self.disks[index].messages.iter();
        held.any(|one| one.holder != life)
    }

    /// Nothing is left behind.
    pub(crate) fn check_disks(&mut self) {
        for index in 0..self.disks.len() {
            if let Some(Written { tag, holder, .. }) = self.disks[index].messages.first() {
                let message = format!("{tag}, which page {holder} held, is still on the disk");
                self.violate(message);
            }
        }
    }

    /// Gives a page all that pages before it have left.
    fn bring(&mut self, index: usize, life: u32) {
        let mut messages = Vec::new();
        let mut written = std::mem::take(&mut self.disks[index].messages);
        for one in written.iter_mut().filter(|one| one.holder != life) {
            one.holder = life;
            let uploads: Vec<_> = one
                .message
                .files
                .iter_mut()
                .map(|KeptFile { upload, meta, .. }| {
                    *upload = self.clients[index].add_file(meta.clone());
                    upload.0
                })
                .collect();
            self.counts.add("messages restored");
            self.oracle.restored(one.tag, life, &uploads);
            let call = self.resend(index, one.tag);
            messages.push((call, one.message.clone()));
        }
        self.disks[index].messages = written;
        self.note(|| format!("client {index} is given {} messages", messages.len()));
        self.input(index, Input::Restored(messages));
    }
}
