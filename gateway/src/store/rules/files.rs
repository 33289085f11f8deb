//! Files: when their keys are free, what may follow what, and how they become part of a message.

use std::collections::BTreeMap;

use alo_protocol::{ErrorBody, ErrorCode, File, Uuid};

use super::Attached;
use crate::store::{
    Draft,
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

/// The offset after these parts; `None` if they do not follow the bytes there are, or the upload has ended.
pub(in crate::store) fn append(row: &FileRow, parts: &[FilePart]) -> Option<u64> {
    let add = |offset: u64, part: &FilePart| {
        (part.offset == offset)
            .then(|| offset.checked_add(part.size))
            .flatten()
    };
    if row.ended {
        return None;
    }
    parts.iter().try_fold(row.offset, add)
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
    fn parts_follow_the_bytes_there_are() {
        let part = |offset, size| FilePart { offset, size };
        assert_eq!(append(&row(), &[part(4, 2), part(6, 1)]), Some(7));
        assert_eq!(append(&row(), &[]), Some(4));
        for wrong in [[part(3, 1)], [part(5, 1)], [part(4, u64::MAX)]] {
            assert_eq!(append(&row(), &wrong), None);
        }
        let ended = FileRow {
            ended: true,
            ..row()
        };
        assert_eq!(append(&ended, &[part(4, 1)]), None);
    }
}
