//! The requests of tus 1.0. <https://tus.io/protocols/resumable-upload>

use std::time::{Duration, UNIX_EPOCH};

use alo_protocol::{ErrorBody, ErrorCode, FILES_PATH, OFFSET_STREAM, TUS_VERSION, Uuid};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{head as on_head, post},
};
use futures_util::{FutureExt, future::BoxFuture};

use super::{
    download,
    error::AppError,
    extract::{Caller, IdempotencyKey, Segment},
    uploads::{Uploads, not_found},
};
use crate::{
    auth::Identity,
    error::internal,
    files::{
        Checksum, Guard, Metadata, Receiver, Transfer, UPLOAD_LIFE_MS, drain,
        records::{Creation, Row},
        too_long,
    },
    random,
};

/// Longest `Upload-Metadata`, bytes: what the gateway reads has less than half of it.
const METADATA_BYTES: usize = 4 << 10;

/// A check whose refusal is returned later: the version is checked first, and after any refusal the body is
/// read.
type Checked<T> = Result<T, AppError>;

/// What a request comes to before its body is read.
struct Plan {
    row: Row,
    status: StatusCode,
    /// The body is to be appended.
    appending: Option<Appending>,
}

/// What appending needs besides the body.
struct Appending {
    transfer: Transfer,
    /// Ends when the user may no longer upload it.
    refused: BoxFuture<'static, ErrorBody>,
    guard: Guard,
    checksum: Option<Checksum>,
}

pub(super) fn router(uploads: Uploads) -> Router {
    Router::new()
        .route(FILES_PATH, post(create))
        .route(
            &format!("{FILES_PATH}/{{id}}"),
            on_head(head).patch(append).delete(terminate),
        )
        .with_state(uploads)
}

/// `POST`: creates an upload, with its first bytes if there are any.
async fn create(
    State(uploads): State<Uploads>,
    caller: Checked<Caller>,
    key: Checked<IdempotencyKey>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let plan = plan_creation(&uploads, caller, key, &headers).await;
    carry_out(&uploads, plan, body).await
}

/// `PATCH`: appends bytes.
async fn append(
    State(uploads): State<Uploads>,
    caller: Checked<Caller>,
    Segment(id): Segment,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let plan = plan_append(&uploads, caller, &id, &headers).await;
    carry_out(&uploads, plan, body).await
}

/// `HEAD`: the offset of an upload. Without `Tus-Resumable`, the headers of a download.
async fn head(
    State(uploads): State<Uploads>,
    caller: Checked<Caller>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    if !headers.contains_key("tus-resumable") {
        return download::download(State(uploads), caller?, Segment(id), headers).await;
    }
    check_version(&headers)?;
    let (row, _guard) = locked(&uploads, &caller?, &id).await?;
    let mut response = (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response();
    let headers = response.headers_mut();
    headers.insert("upload-length", row.size.into());
    headers.insert(
        "upload-metadata",
        HeaderValue::from_str(&row.metadata).map_err(internal)?,
    );
    say_state(
        headers,
        row.offset,
        row.message.is_none().then_some(row.expires_ms),
    );
    Ok(response)
}

/// `DELETE`: cancels an upload that belongs to no message.
async fn terminate(
    State(uploads): State<Uploads>,
    caller: Checked<Caller>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<StatusCode, AppError> {
    check_version(&headers)?;
    let (row, _guard) = locked(&uploads, &caller?, &id).await?;
    if !uploads.files.end(row.id).await? {
        return Err(AppError::new(
            ErrorCode::FileInUse,
            "the file belongs to a message",
        ));
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn plan_creation(
    uploads: &Uploads,
    caller: Checked<Caller>,
    key: Checked<IdempotencyKey>,
    headers: &HeaderMap,
) -> Result<Plan, AppError> {
    check_version(headers)?;
    let Caller(identity) = caller?;
    uploads.door.allow_upload(&identity.user_id)?;
    let IdempotencyKey(key) = key?;
    if headers.contains_key("upload-defer-length") {
        return Err(AppError::new(
            ErrorCode::InvalidArgument,
            "Upload-Defer-Length: is not supported; send Upload-Length",
        ));
    }
    let size = number(headers, "upload-length", "Upload-Length")?;
    if size > uploads.limits.file_bytes {
        let limit = uploads.limits.file_bytes;
        return Err(AppError::new(
            ErrorCode::FileTooLarge,
            format!("Upload-Length: must be at most {limit}"),
        ));
    }
    let header = headers
        .get("upload-metadata")
        .map_or(Ok(""), HeaderValue::to_str);
    let header = header.map_err(|_| invalid("Upload-Metadata: must be ASCII"))?;
    if header.len() > METADATA_BYTES {
        let message = format!("Upload-Metadata: must be at most {METADATA_BYTES} bytes");
        return Err(invalid(message).into());
    }
    let metadata = Metadata::parse(header)?;
    identity.authorize_send(&metadata.channel, uploads.door.clock.now_ms())?;
    let has_body = headers.contains_key(header::CONTENT_TYPE);
    if has_body {
        check_body(headers, size)?;
    }
    let checksum = checksum(headers)?;

    let now_ms = uploads.door.clock.now_ms();
    let creation = Creation {
        id: random::uuid(now_ms),
        key,
        user_id: identity.user_id.clone(),
        size,
        header: header.to_owned(),
        expires_ms: now_ms + UPLOAD_LIFE_MS,
        metadata,
    };
    let (new_id, channel) = (creation.id, creation.metadata.channel.clone());
    let quota = uploads.file_limits.quota;
    let row = uploads.files.create(creation, quota, now_ms).await?;
    if row.user_id != *identity.user_id || row.channel != channel || row.size != size {
        return Err(AppError::new(
            ErrorCode::IdempotencyConflict,
            "Idempotency-Key: was used for another upload",
        ));
    }
    let is_new = row.id == new_id;
    let guard = uploads.files.lock(row.id).await?;
    // Created before: an older request may have uploaded bytes in the meantime.
    let row = if is_new {
        row
    } else {
        existing(uploads, row.id).await?
    };
    // The body begins at 0; if bytes are here already the client continues from the offset in the answer.
    let appending = if has_body && row.offset == 0 {
        Some(Appending {
            transfer: uploads.transfers.begin(&identity.user_id)?,
            refused: refused(uploads, &identity, &row),
            guard,
            checksum,
        })
    } else {
        None
    };
    Ok(Plan {
        row,
        status: StatusCode::CREATED,
        appending,
    })
}

async fn plan_append(
    uploads: &Uploads,
    caller: Checked<Caller>,
    id: &str,
    headers: &HeaderMap,
) -> Result<Plan, AppError> {
    check_version(headers)?;
    let offset = number(headers, "upload-offset", "Upload-Offset")?;
    let checksum = checksum(headers)?;
    let caller = caller?;
    let (row, guard) = locked(uploads, &caller, id).await?;
    if row.offset != offset {
        let message = format!("Upload-Offset: the upload stands at {}", row.offset);
        return Err(AppError::new(ErrorCode::OffsetMismatch, message));
    }
    // After the offset: a client with a wrong offset cannot know how much fits.
    check_body(headers, row.size - row.offset.min(row.size))?;
    let refused = refused(uploads, &caller.0, &row);
    Ok(Plan {
        row,
        status: StatusCode::NO_CONTENT,
        appending: Some(Appending {
            // After the lock: the request from which it was taken counts no longer.
            transfer: uploads.transfers.begin(&caller.0.user_id)?,
            refused,
            guard,
            checksum,
        }),
    })
}

/// Takes the body if it is wanted, and reads some of it if it is not, and answers.
async fn carry_out(uploads: &Uploads, plan: Result<Plan, AppError>, body: Body) -> Response {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            drain(body.into_data_stream()).await;
            return error.into_response();
        }
    };
    let Plan {
        row,
        status,
        appending,
    } = plan;
    let location = format!("{FILES_PATH}/{}", row.id);
    let (offset, expires_ms) = match appending {
        None => {
            let state = (row.offset, row.expires_ms);
            drain(body.into_data_stream()).await;
            state
        }
        Some(appending) => match receive(uploads, row, appending, body).await {
            Ok(offset) => (offset, uploads.door.clock.now_ms() + UPLOAD_LIFE_MS),
            Err(error) => return AppError(error).into_response(),
        },
    };
    let mut response = status.into_response();
    if status == StatusCode::CREATED {
        let location = HeaderValue::from_str(&location).expect("a path is a header value");
        response.headers_mut().insert(header::LOCATION, location);
    }
    say_state(response.headers_mut(), offset, Some(expires_ms));
    response
}

/// Takes the bytes in a task of its own: when the connection breaks the server drops the request, and
/// what has arrived must still be kept.
async fn receive(
    uploads: &Uploads,
    row: Row,
    appending: Appending,
    body: Body,
) -> Result<u64, ErrorBody> {
    let Appending {
        transfer,
        refused,
        guard,
        checksum,
    } = appending;
    let receiver = Receiver {
        files: uploads.files.clone(),
        clock: uploads.door.clock,
        metrics: uploads.metrics.clone(),
        pace: uploads.file_limits.pace,
        stopping: uploads.stopping.clone(),
        transfer,
        refused,
        guard,
        checksum,
    };
    tokio::spawn(receiver.receive(row, body))
        .await
        .map_err(internal)?
}

/// Ends when the user may no longer upload this.
fn refused(uploads: &Uploads, identity: &Identity, row: &Row) -> BoxFuture<'static, ErrorBody> {
    let (identity, channel) = (identity.clone(), row.channel.clone());
    let clock = uploads.door.clock;
    async move { identity.refused(&channel, true, || clock.now_ms()).await }.boxed()
}

/// The user's own upload, locked.
async fn locked(
    uploads: &Uploads,
    Caller(identity): &Caller,
    id: &str,
) -> Result<(Row, Guard), ErrorBody> {
    uploads.door.allow_upload(&identity.user_id)?;
    let id = id.parse().map_err(|_| not_found())?;
    // Checked before the lock is taken: strangers cannot end the requests of others.
    let now_ms = uploads.door.clock.now_ms();
    let is_own = |row: &Row| {
        row.user_id == *identity.user_id && identity.authorize(&row.channel, now_ms).is_ok()
    };
    if !uploads
        .files
        .find(id)
        .await?
        .is_some_and(|row| is_own(&row))
    {
        return Err(not_found());
    }
    let guard = uploads.files.lock(id).await?;
    Ok((existing(uploads, id).await?, guard))
}

async fn existing(uploads: &Uploads, id: Uuid) -> Result<Row, ErrorBody> {
    let row = uploads.files.find(id).await?.ok_or_else(not_found)?;
    if row.ended || (row.message.is_none() && row.expires_ms <= uploads.door.clock.now_ms()) {
        return Err(ErrorBody::new(
            ErrorCode::Gone,
            "the upload has expired or was cancelled",
        ));
    }
    Ok(row)
}

fn check_version(headers: &HeaderMap) -> Result<(), ErrorBody> {
    if headers
        .get("tus-resumable")
        .is_some_and(|version| version == TUS_VERSION)
    {
        Ok(())
    } else {
        Err(ErrorBody::new(
            ErrorCode::UnsupportedVersion,
            format!("Tus-Resumable: must be {TUS_VERSION}"),
        ))
    }
}

/// Checks the headers of a body that may have `room` bytes.
fn check_body(headers: &HeaderMap, room: u64) -> Result<(), ErrorBody> {
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind != OFFSET_STREAM)
    {
        let message = format!("Content-Type: must be {OFFSET_STREAM}");
        return Err(ErrorBody::new(ErrorCode::UnsupportedMediaType, message));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > room) {
        Err(too_long())
    } else {
        Ok(())
    }
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, ErrorBody> {
    let Some(header) = headers.get("upload-checksum") else {
        return Ok(None);
    };
    let header = header
        .to_str()
        .map_err(|_| invalid("Upload-Checksum: must be ASCII"))?;
    Checksum::parse(header).map(Some)
}

fn number(headers: &HeaderMap, name: &str, shown: &str) -> Result<u64, ErrorBody> {
    let header = headers
        .get(name)
        .ok_or_else(|| invalid(format!("{shown}: is missing")))?;
    let digits = header
        .to_str()
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid(format!("{shown}: must be a whole number of bytes")))
}

fn invalid(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidArgument, message)
}

fn say_state(headers: &mut HeaderMap, offset: u64, expires_ms: Option<u64>) {
    headers.insert("upload-offset", offset.into());
    if let Some(expires_ms) = expires_ms {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(expires_ms));
        // Letters, digits, commas and colons.
        headers.insert(
            "upload-expires",
            HeaderValue::from_str(&date).expect("a date is a header value"),
        );
    }
}
