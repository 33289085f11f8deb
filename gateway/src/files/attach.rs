//! Files become part of a message.

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, File, Uuid};
use rusqlite::{Transaction, params};

use super::records::{self, Row};

/// Makes uploaded files those of a message, all or none, in the transaction that stores the message. The
/// outer error is SQLite's and fails the transaction, which SQLite may have rolled back already; the inner
/// one refuses the message: `file-not-found`, `file-incomplete`, `file-in-use` or `invalid-argument`,
/// naming the file, and nothing was written.
pub(crate) fn attach(
    transaction: &Transaction<'_>,
    user_id: &str,
    channel: &ChannelId,
    message_id: Uuid,
    ids: &[Uuid],
) -> rusqlite::Result<Result<Vec<File>, ErrorBody>> {
    let mut rows: Vec<Row> = Vec::with_capacity(ids.len());
    for &id in ids {
        if rows.iter().any(|other| other.id == id) {
            return Ok(Err(refused(
                ErrorCode::InvalidArgument,
                id,
                "is named twice",
            )));
        }
        let row = records::find(transaction, id)?
            .filter(|row| !row.ended && row.user_id == user_id && row.channel == *channel);
        match row {
            None => {
                let why = "is no file of yours in this channel";
                return Ok(Err(refused(ErrorCode::FileNotFound, id, why)));
            }
            Some(row) if row.offset < row.size => {
                let why = "has not been uploaded to its end";
                return Ok(Err(refused(ErrorCode::FileIncomplete, id, why)));
            }
            Some(row) if row.message.is_some_and(|message| message != message_id) => {
                return Ok(Err(refused(
                    ErrorCode::FileInUse,
                    id,
                    "belongs to another message",
                )));
            }
            Some(row) => rows.push(row),
        }
    }
    for id in ids {
        transaction
            .prepare_cached("UPDATE files SET message = ?2 WHERE id = ?1")?
            .execute(params![id.as_bytes(), message_id.as_bytes()])?;
    }
    Ok(Ok(rows.into_iter().map(Row::into_file).collect()))
}

fn refused(code: ErrorCode, id: Uuid, why: &str) -> ErrorBody {
    ErrorBody::new(code, format!("fileIds: {id} {why}"))
}
