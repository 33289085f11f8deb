//! Files: when their keys are free, what may follow what, and how they become part of a message.

use std::collections::BTreeMap;

use alo_protocol::{ErrorBody, ErrorCode, File, Uuid};

use super::Attached;
use crate::store::{
    Draft, Quota,
    quota::Usage,
    rows::{FilePart, FileRow},
};

/// Makes uploaded files those of a message, all or none: `file-not-found`, `file-incomplete`, `file-in-use` or
/// `invalid-argument`, naming the file.
pub(super) fn attach(
    files: &mut BTreeMap<Uuid, FileRow>,
    attached: &mut Vec<Attached>,
    draft: &Draft,
) -> Result<Vec<File>, ErrorBody> {
    let mut shown = Vec::with_capacity(draft.file_ids.len());
    for (place, &id) in draft.file_ids.iter().enumerate() {
        if draft.file_ids[..place].contains(&id) {
            return Err(refused(ErrorCode::InvalidArgument, id, "is named twice"));
        }
        let row = files.get(&id).filter(|row| {
            !row.ended && row.user_id == *draft.user_id && row.channel == draft.channel
        });
        match row {
            None => {
                let why = "is no file of yours in this channel";
                return Err(refused(ErrorCode::FileNotFound, id, why));
            }
            Some(row) if row.offset < row.size => {
                let why = "is not uploaded completely";
                return Err(refused(ErrorCode::FileIncomplete, id, why));
            }
            Some(row) if row.message.is_some() => {
                let why = "belongs to another message";
                return Err(refused(ErrorCode::FileInUse, id, why));
            }
            Some(row) => shown.push(row.to_file()),
        }
    }
    for (place, &file) in draft.file_ids.iter().enumerate() {
        if let Some(row) = files.get_mut(&file) {
            row.message = Some(draft.id);
        }
        attached.push(Attached {
            file,
            message: draft.id,
            place,
        });
    }
    Ok(shown)
}

/// What happens to a file to be created if its key was used before.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum KeyUse {
    /// The key stands for that upload.
    Taken(Box<FileRow>),
    /// The key is free.
    Free,
    /// The upload has ended: it is marked as such and loses its key.
    Freed(Uuid),
}

/// Decides it for what the key was used for.
pub(in crate::store) fn key_use(used_by: Option<FileRow>, now_ms: u64) -> KeyUse {
    match used_by {
        None => KeyUse::Free,
        Some(row) if is_over(&row, now_ms) => KeyUse::Freed(row.id),
        Some(row) => KeyUse::Taken(Box::new(row)),
    }
}

/// Whether an upload has ended or expired.
pub(in crate::store) const fn is_over(row: &FileRow, now_ms: u64) -> bool {
    row.message.is_none() && (row.ended || row.expires_ms <= now_ms)
}

/// Whether one more file of this size is within the user's quota: `quota-exceeded`, naming the quota and its size.
pub(in crate::store) fn admit(usage: Usage, quota: &Quota, size: u64) -> Result<(), ErrorBody> {
    let bounds = [
        (usage.open_uploads, 1, quota.open_uploads, "open uploads"),
        (
            usage.open_bytes,
            size,
            quota.open_bytes,
            "bytes in open uploads",
        ),
        (usage.files, 1, quota.files, "files"),
        (usage.bytes, size, quota.bytes, "bytes in files"),
    ];
    for (used, more, quota, what) in bounds {
        if quota > 0 && used.saturating_add(more) > quota {
            let message = format!(
                "the user's quota is {quota} {what}: {used} are taken, and this file needs {more} more"
            );
            return Err(ErrorBody::new(ErrorCode::QuotaExceeded, message));
        }
    }
    Ok(())
}

/// The offset after these parts; `None` if they do not follow the bytes there are, or the upload has ended. The
/// first part may be the last one there is, grown.
pub(in crate::store) fn append(
    row: &FileRow,
    last: Option<FilePart>,
    parts: &[FilePart],
) -> Option<u64> {
    let add = |offset: u64, part: &FilePart| {
        (part.offset == offset)
            .then(|| offset.checked_add(part.size))
            .flatten()
    };
    if row.ended {
        return None;
    }
    let begin = match (parts.first(), last) {
        (Some(first), Some(last)) if first.offset == last.offset && first.size > last.size => {
            last.offset
        }
        _ => row.offset,
    };
    parts.iter().try_fold(begin, add)
}

/// Whether an upload can be cancelled: not if it belongs to a message.
pub(in crate::store) const fn can_end(row: &FileRow) -> bool {
    row.message.is_none()
}

/// Whether a part holds any of the bytes `from..to`.
pub(in crate::store) const fn holds(part: &FilePart, from: u64, to: u64) -> bool {
    part.offset < to && part.offset + part.size > from
}

fn refused(code: ErrorCode, id: Uuid, why: &str) -> ErrorBody {
    ErrorBody::new(code, format!("fileIds: {id} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> FileRow {
        FileRow {
            id: Uuid::from_bytes([1; 16]),
            key: Some(Uuid::from_bytes([2; 16])),
            channel: "a".parse().unwrap(),
            user_id: "ada".into(),
            name: "x".into(),
            content_type: "text/plain".into(),
            last_modified: 0,
            size: 10,
            metadata: String::new(),
            offset: 4,
            expires_ms: 100,
            message: None,
            ended: false,
        }
    }

    #[test]
    fn a_key_is_free_when_its_upload_is_over() {
        let ended = FileRow {
            ended: true,
            ..row()
        };
        let taken = FileRow {
            message: Some(row().id),
            ..row()
        };
        assert_eq!(key_use(None, 0), KeyUse::Free);
        assert_eq!(key_use(Some(row()), 99), KeyUse::Taken(Box::new(row())));
        assert_eq!(key_use(Some(row()), 100), KeyUse::Freed(row().id));
        assert_eq!(key_use(Some(ended), 0), KeyUse::Freed(row().id));
        let used = key_use(Some(taken.clone()), 1_000);
        assert_eq!(used, KeyUse::Taken(Box::new(taken)), "it lasts");
    }

    #[test]
    fn a_quota_is_named_with_its_size() {
        let quota = Quota {
            open_uploads: 2,
            open_bytes: 100,
            files: 3,
            bytes: 200,
        };
        let usage = |open_uploads, open_bytes, files, bytes| Usage {
            open_uploads,
            open_bytes,
            files,
            bytes,
        };
        let full = usage(1, 90, 2, 190);
        assert!(admit(full, &quota, 10).is_ok());
        let most = usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
        assert!(admit(most, &Quota::NONE, u64::MAX).is_ok());
        for (usage, name) in [
            (usage(2, 0, 2, 0), "2 open uploads"),
            (usage(1, 91, 2, 0), "100 bytes in open uploads"),
            (usage(0, 0, 3, 0), "3 files"),
            (usage(0, 0, 0, 191), "200 bytes in files"),
        ] {
            let error = admit(usage, &quota, 10).unwrap_err();
            assert_eq!(error.code, ErrorCode::QuotaExceeded);
            assert!(error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn parts_follow_the_bytes_there_are() {
        let part = |offset, size| FilePart { offset, size };
        let last = Some(part(1, 3));
        assert_eq!(append(&row(), last, &[part(4, 2), part(6, 1)]), Some(7));
        assert_eq!(append(&row(), last, &[]), Some(4));
        for wrong in [[part(3, 1)], [part(5, 1)], [part(4, u64::MAX)]] {
            assert_eq!(append(&row(), last, &wrong), None);
        }
        assert_eq!(append(&row(), last, &[part(1, 5), part(6, 1)]), Some(7));
        for wrong in [[part(1, 3)], [part(1, 2)], [part(0, 9)]] {
            assert_eq!(append(&row(), last, &wrong), None, "it has not grown");
        }
        let ended = FileRow {
            ended: true,
            ..row()
        };
        assert_eq!(append(&ended, None, &[part(4, 1)]), None);
    }
}
