//! The records of files.

use alo_gateway::store::{Draft, FilePart, FileRow, Quota};
use alo_protocol::ErrorCode;

use super::{Kit, draft, file, id};

fn keyed(number: u64, expires_ms: u64) -> FileRow {
    FileRow {
        key: Some(id(9)),
        expires_ms,
        ..file(number, 3)
    }
}

const fn part(offset: u64, size: u64) -> FilePart {
    FilePart { offset, size }
}

/// Found by the simulation's seed 100840: a page that came back got an upload that had been cancelled.
pub(super) fn a_key_stands_for_its_upload_until_that_is_over(kit: &mut Kit) {
    let create = |number, now_ms| {
        kit.files
            .create(keyed(number, now_ms + 10), &Quota::NONE, now_ms)
            .unwrap()
    };
    let first = create(1, 0);
    assert_eq!(first, keyed(1, 10));
    assert_eq!(create(2, 9), first);
    assert!(kit.files.end(first.id).unwrap());
    let second = create(2, 9);
    assert_eq!(second.id, file(2, 3).id);
    assert_eq!(create(3, 19).id, file(3, 3).id, "its time is over");
    assert_eq!(create(4, 20).id, file(3, 3).id);
    let over = kit.files.find(second.id).unwrap().unwrap();
    assert!(over.ended && over.key.is_none());
    // Without a key each is new.
    for number in [5, 6] {
        let new = kit.files.create(file(number, 3), &Quota::NONE, 0).unwrap();
        assert_eq!(new.id, file(number, 3).id);
    }
}

pub(super) fn parts_count_where_they_follow_and_all_or_none(kit: &mut Kit) {
    let id = kit.file(1, 100, 0);
    let append = |parts: &[FilePart], expires_ms| kit.files.append(id, parts, expires_ms).unwrap();
    assert!(append(&[part(0, 4), part(4, 6)], 50));
    for wrong in [
        &[part(0, 1)][..],
        &[part(11, 1)],
        &[part(10, 5), part(14, 1)],
        &[part(10, u64::MAX)],
    ] {
        assert!(!append(wrong, 99), "{wrong:?}");
    }
    let row = kit.files.find(id).unwrap().unwrap();
    assert_eq!((row.offset, row.expires_ms), (10, 50));
    assert!(append(&[part(10, 1)], 60));
    assert!(kit.files.end(id).unwrap());
    assert!(!append(&[part(11, 1)], 70), "it has ended");
    assert!(!kit.files.append(super::id(99), &[part(0, 1)], 0).unwrap());
}

pub(super) fn parts_are_found_by_the_bytes_they_hold(kit: &mut Kit) {
    let (id, other) = (kit.file(1, 100, 0), kit.file(2, 100, 50));
    let all = [part(0, 4), part(4, 6), part(10, 1)];
    assert!(kit.files.append(id, &all, 50).unwrap());
    let parts = |from, to| kit.files.parts(id, from, to).unwrap();
    assert_eq!(parts(0, 11), all);
    assert_eq!(parts(4, 10), [all[1]]);
    assert_eq!(parts(3, 5), all[..2]);
    assert_eq!(parts(11, 100), []);
    assert_eq!(kit.files.parts(other, 0, 100).unwrap(), [part(0, 50)]);
}

pub(super) fn the_last_part_may_grow(kit: &mut Kit) {
    let id = kit.file(1, 100, 0);
    let append = |parts: &[FilePart]| kit.files.append(id, parts, 50).unwrap();
    assert!(append(&[part(0, 4), part(4, 2)]));
    for wrong in [
        &[part(4, 2)][..],
        &[part(4, 1)],
        &[part(0, 9)],
        &[part(5, 9)],
    ] {
        assert!(!append(wrong), "{wrong:?}");
    }
    assert!(append(&[part(4, 5), part(9, 1)]));
    assert_eq!(kit.files.find(id).unwrap().unwrap().offset, 10);
    let parts = kit.files.parts(id, 0, u64::MAX).unwrap();
    assert_eq!(parts, [part(0, 4), part(4, 5), part(9, 1)]);
}

pub(super) fn quotas_bound_what_a_user_takes(kit: &mut Kit) {
    const QUOTA: Quota = Quota {
        open_uploads: 3,
        open_bytes: 100,
        files: 4,
        bytes: 200,
    };
    let create = |kit: &Kit, row: FileRow, now_ms| {
        kit.files
            .create(row, &QUOTA, now_ms)
            .map_err(|error| (error.code, error.message))
    };
    let refused = |kit: &Kit, number, size, now_ms, quota: &str| {
        let (code, message) = create(kit, file(number, size), now_ms).unwrap_err();
        assert_eq!(code, ErrorCode::QuotaExceeded);
        assert!(message.contains(quota), "{message}");
        let nothing = kit.files.find(file(number, size).id).unwrap();
        assert_eq!(nothing, None);
    };
    let first = create(kit, file(1, 60), 0).unwrap().id;
    refused(kit, 2, 41, 0, "100 bytes in open uploads");
    let bobs = FileRow {
        user_id: "bob".into(),
        ..file(3, 100)
    };
    assert!(create(kit, bobs, 0).is_ok(), "each user has a quota");
    // One that a message has is no longer open.
    assert!(kit.files.append(first, &[part(0, 60)], 1_000).unwrap());
    kit.commit(Draft {
        file_ids: vec![first],
        ..draft(1, "a")
    });
    let second = create(kit, keyed(4, 1_000), 0).unwrap();
    create(kit, file(5, 90), 0).unwrap();
    create(kit, file(6, 1), 0).unwrap();
    refused(kit, 7, 1, 0, "3 open uploads");
    let again = create(kit, keyed(8, 1_000), 0).unwrap();
    assert_eq!(again.id, second.id, "what exists is within the quota");
    // Open uploads that expire are not open, but on the disk until they are removed.
    refused(kit, 7, 1, 1_000, "4 files");
    for expired in kit.files.expire(1_000).unwrap() {
        kit.files.remove(expired).unwrap();
    }
    refused(kit, 7, 101, 1_000, "100 bytes in open uploads");
    let taken = Quota {
        open_bytes: 0,
        ..QUOTA
    };
    let error = kit.files.create(file(7, 141), &taken, 1_000).unwrap_err();
    assert!(error.message.contains("200 bytes in files"), "{error:?}");
    assert!(kit.files.create(file(7, 140), &taken, 1_000).is_ok());
}

pub(super) fn creations_at_once_do_not_pass_a_quota_together(kit: &mut Kit) {
    const QUOTA: Quota = Quota {
        open_uploads: 5,
        ..Quota::NONE
    };
    let files = &kit.files;
    let create = |number| files.create(file(number, 1), &QUOTA, 0).is_ok();
    let created: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4_u64)
            .map(|thread| {
                let numbers = thread * 10..(thread + 1) * 10;
                scope.spawn(move || numbers.filter(|number| create(*number)).count())
            })
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.sum()
    });
    assert_eq!(created, 5);
}

pub(super) fn an_upload_ends_unless_a_message_has_it(kit: &mut Kit) {
    let (free, taken) = (kit.file(1, 3, 3), kit.file(2, 3, 3));
    kit.commit(Draft {
        file_ids: vec![taken],
        ..draft(1, "a")
    });
    assert!(kit.files.end(free).unwrap());
    assert!(!kit.files.end(taken).unwrap());
    assert!(!kit.files.end(id(99)).unwrap());
    assert!(kit.files.find(free).unwrap().unwrap().ended);
    assert!(!kit.files.find(taken).unwrap().unwrap().ended);
    kit.files.remove(taken).unwrap();
    assert!(
        kit.files.find(taken).unwrap().is_some(),
        "only what has ended"
    );
}

pub(super) fn what_has_expired_is_named_until_it_is_removed(kit: &mut Kit) {
    let (early, late, taken) = (kit.file(1, 3, 0), kit.file(2, 9, 0), kit.file(3, 3, 3));
    assert!(kit.files.append(late, &[part(0, 1)], 2_000).unwrap());
    kit.commit(Draft {
        file_ids: vec![taken],
        ..draft(1, "a")
    });
    assert_eq!(kit.files.expire(999).unwrap(), []);
    assert_eq!(kit.files.expire(1_000).unwrap(), [early]);
    assert_eq!(kit.files.expire(1_000).unwrap(), [early], "until removed");
    assert!(kit.files.find(early).unwrap().unwrap().ended);
    kit.files.remove(early).unwrap();
    assert!(kit.files.find(early).unwrap().is_none());
    assert_eq!(kit.files.parts(early, 0, 9).unwrap(), []);
    assert!(kit.files.end(late).unwrap());
    assert_eq!(
        kit.files.expire(0).unwrap(),
        [late],
        "ended before its time"
    );
    assert!(!kit.files.find(taken).unwrap().unwrap().ended);
}
