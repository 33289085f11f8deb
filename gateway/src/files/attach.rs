//! Files become part of a message.

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, File, Uuid};
use rusqlite::{Transaction, params};

use super::records::{self, Row};
use crate::store::sqlite_error;

/// Makes uploaded files those of a message, all or none, in the transaction that stores the message.
///
/// # Errors
/// `file-not-found`, `file-incomplete` or `file-in-use`, naming the file.
pub(crate) fn attach(
    transaction: &Transaction<'_>,
    user_id: &str,
    channel: &ChannelId,
    message_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<File>, ErrorBody> {
    let mut rows: Vec<Row> = Vec::with_capacity(ids.len());
    for &id in ids {
        let row = records::find(transaction, id).map_err(sqlite_error)?;
        let row = row.filter(|row| !row.ended && row.user_id == user_id && row.channel == *channel);
        let row = row.ok_or_else(|| {
            refused(
                ErrorCode::FileNotFound,
                id,
                "is no file of yours in this channel",
            )
        })?;
        if row.offset < row.size {
            return Err(refused(
                ErrorCode::FileIncomplete,
                id,
                "has not been uploaded to its end",
            ));
        }
        if row.message.is_some_and(|message| message != message_id) {
            return Err(refused(
                ErrorCode::FileInUse,
                id,
                "belongs to another message",
            ));
        }
        if rows.iter().any(|other| other.id == id) {
            return Err(refused(ErrorCode::InvalidArgument, id, "is named twice"));
        }
        rows.push(row);
    }
    for &id in ids {
        transaction
            .prepare_cached("UPDATE files SET message = ?2 WHERE id = ?1")
            .and_then(|mut update| update.execute(params![id.as_bytes(), message_id.as_bytes()]))
            .map_err(sqlite_error)?;
    }
    Ok(rows.into_iter().map(Row::into_file).collect())
}

fn refused(code: ErrorCode, id: Uuid, why: &str) -> ErrorBody {
    ErrorBody::new(code, format!("fileIds: {id} {why}"))
}
