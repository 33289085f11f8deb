//! What is on the disk at the moments between two steps, when a process may end.

use std::{
    fs::{self, File},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::{parts::Parts, *};
use crate::store::{FilePart, MemoryStore};
use alo_protocol::ErrorCode;

const SIZE: u64 = 3_000_000;
const AGE: Duration = Duration::from_secs(600);

/// The byte at an offset of every file here.
fn byte(offset: u64) -> u8 {
    (offset * 31 % 251) as u8
}

fn bytes(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(byte).collect()
}

/// Records that look at the disk before and after parts count, and that fail now and then as if the process had
/// ended just before.
struct Watched {
    records: MemoryStore,
    folder: PathBuf,
    appends: AtomicU64,
    /// Every so many parts do not count.
    fail_every: u64,
}

impl Watched {
    /// Every byte that counts is on the disk.
    fn check(&self, id: Uuid) {
        let row = self.records.find(id).unwrap().unwrap();
        let mut end = 0;
        for part in self.records.parts(id, 0, u64::MAX).unwrap() {
            assert_eq!(part.offset, end);
            end += part.size;
            let path = object(&self.folder, id, part.offset);
            let object = fs::read(path).unwrap();
            let counts = &object[..usize::try_from(part.size).unwrap()];
            assert!(counts == bytes(part.offset, end));
        }
        assert_eq!(end, row.offset);
    }
}

impl FileRecords for Watched {
    fn find(&self, id: Uuid) -> Result<Option<Row>, ErrorBody> {
        self.records.find(id)
    }
    fn create(&self, file: Row, quota: &Quota, now_ms: u64) -> Result<Row, ErrorBody> {
        self.records.create(file, quota, now_ms)
    }
    fn append(&self, id: Uuid, parts: &[FilePart], expires_ms: u64) -> Result<bool, ErrorBody> {
        self.check(id);
        let appends = self.appends.fetch_add(1, Ordering::Relaxed) + 1;
        if appends.is_multiple_of(self.fail_every) {
            return Err(ErrorBody::new(ErrorCode::Internal, "it ends here"));
        }
        let counted = self.records.append(id, parts, expires_ms);
        self.check(id);
        counted
    }
    fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<FilePart>, ErrorBody> {
        self.records.parts(id, from, to)
    }
    fn end(&self, id: Uuid) -> Result<bool, ErrorBody> {
        self.records.end(id)
    }
    fn expire(&self, now_ms: u64) -> Result<Vec<Uuid>, ErrorBody> {
        self.records.expire(now_ms)
    }
    fn remove(&self, id: Uuid) -> Result<(), ErrorBody> {
        self.records.remove(id)
    }
}

fn object(folder: &Path, id: Uuid, offset: u64) -> PathBuf {
    folder.join(id.to_string()).join(format!("{offset:020}"))
}

fn creation(number: u8, size: u64) -> Creation {
    Creation {
        id: Uuid::from_bytes([number; 16]),
        key: None,
        user_id: "ada".into(),
        metadata: Metadata {
            channel: "a".parse().unwrap(),
            name: "x".into(),
            content_type: "text/plain".into(),
            last_modified: 0,
        },
        header: String::new(),
        size,
        expires_ms: u64::MAX >> 1,
    }
}

async fn created(files: &Files, number: u8) -> Uuid {
    let creation = creation(number, SIZE);
    files.create(creation, Quota::NONE, 0).await.unwrap().id
}

/// Appends what follows the bytes that count; returns what became of it.
async fn append(files: &Files, id: Uuid, size: u64, counts_at_once: bool) -> Result<(), ErrorBody> {
    let row = files.find(id).await?.unwrap();
    let clock = Clock::start();
    let mut parts = Parts::begin(files.clone(), clock, &row, counts_at_once).await?;
    let end = (row.offset + size).min(row.size);
    parts.take(&bytes(row.offset, end)).await?;
    let finished = parts.finish().await;
    match (finished, counts_at_once) {
        (finished, true) => finished,
        (Ok(()), false) => parts.count().await,
        (Err(error), false) => {
            parts.discard().await;
            Err(error)
        }
    }
}

#[tokio::test]
async fn what_counts_is_on_the_disk_at_every_moment() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Arc::new(Watched {
        records: MemoryStore::default(),
        folder: folder.path().to_owned(),
        appends: AtomicU64::new(0),
        fail_every: 3,
    });
    let mut random = fastrand::Rng::with_seed(5);
    let open = || Files::open(watched.clone(), folder.path()).unwrap();
    let mut files = open();
    let id = created(&files, 1).await;
    let (mut failed, mut offset) = (0, 0);
    while offset < SIZE {
        let size = match random.u32(..3) {
            0 => random.u64(1..10),
            1 => random.u64(1..100_000),
            _ => random.u64(1..400_000),
        };
        if append(&files, id, size, random.bool()).await.is_err() {
            failed += 1;
            // As after a restart.
            files = open();
        }
        offset = watched.find(id).unwrap().unwrap().offset;
    }
    assert!(failed > 3, "{failed}");
    watched.check(id);
    for part in files.parts(id, 0, SIZE).await.unwrap() {
        let all = files.read(id, part.offset, 0, part.size).await.unwrap();
        assert!(all == bytes(part.offset, part.offset + part.size));
    }
}

/// As if it had been written an hour ago.
fn old(path: &Path) {
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(hour_ago).unwrap();
}

#[tokio::test]
async fn only_what_no_record_counts_is_swept_and_only_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open(Arc::new(MemoryStore::default()), folder.path()).unwrap();
    let (kept, busy) = (created(&files, 1).await, created(&files, 2).await);
    let unknown = Uuid::from_bytes([3; 16]);
    append(&files, kept, 300_000, true).await.unwrap();
    append(&files, busy, 1_000, true).await.unwrap();
    fs::create_dir(folder.path().join(unknown.to_string())).unwrap();
    let left = |id, offset| {
        let path = object(folder.path(), id, offset);
        fs::write(&path, b"left").unwrap();
        path
    };
    let orphans = [left(kept, 300_000), left(unknown, 0)];
    let staged = object(folder.path(), kept, 300_000).with_extension("#1");
    fs::write(&staged, b"left").unwrap();
    let others = [left(busy, 1_000), object(folder.path(), kept, 0)];
    for path in orphans.iter().chain(&others).chain([&staged]) {
        old(path);
    }
    let young = left(kept, 7);
    let guard = files.lock(busy).await.unwrap();
    assert_eq!(files.sweep_orphans(AGE).await.unwrap(), 3);
    for path in orphans.iter().chain([&staged]) {
        assert!(!path.exists(), "{path:?}");
    }
    assert!(!folder.path().join(unknown.to_string()).exists());
    for path in others.iter().chain([&young]) {
        assert!(path.exists(), "{path:?}");
    }
    drop(guard);
    assert_eq!(files.sweep_orphans(AGE).await.unwrap(), 1);
    assert!(!others[0].exists());
}

/// Somebody started the gateway with an empty database beside the files.
#[tokio::test]
async fn files_of_another_database_are_not_swept() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open(Arc::new(MemoryStore::default()), folder.path()).unwrap();
    let id = created(&files, 1).await;
    append(&files, id, 300_000, true).await.unwrap();
    old(&object(folder.path(), id, 0));
    let other = Files::open(Arc::new(MemoryStore::default()), folder.path()).unwrap();
    assert_eq!(other.sweep_orphans(AGE).await.unwrap(), 0);
    assert!(object(folder.path(), id, 0).exists());
}
