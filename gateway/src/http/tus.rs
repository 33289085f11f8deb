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
use futures_util::StreamExt;

use super::{
    download,
    error::AppError,
    extract::{Caller, IdempotencyKey, Segment},
    uploads::{Uploads, not_found},
};
use crate::{
    error::internal,
    files::{
        Checksum, Guard, Metadata, Receiver, UPLOAD_LIFE_MS,
        records::{Creation, Row},
        too_long,
    },
    random,
};

/// How much of the body of a refused request is read, so that the client receives the answer: to a
/// browser a connection closed during the body is a network error.
const DRAIN_BYTES: usize = 4 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A check whose refusal is returned later: the version is checked first, and after any refusal the body is
/// read.
type Checked<T> = Result<T, AppError>;

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
    let mut body = Some(body);
    let answer = try_create(&uploads, caller, key, &headers, &mut body).await;
    answered(answer, body).await
}

/// `PATCH`: appends bytes.
async fn append(
    State(uploads): State<Uploads>,
    caller: Checked<Caller>,
    Segment(id): Segment,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut body = Some(body);
    let answer = try_append(&uploads, caller, &id, &headers, &mut body).await;
    answered(answer, body).await
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

async fn try_create(
    uploads: &Uploads,
    caller: Checked<Caller>,
    key: Checked<IdempotencyKey>,
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<Response, AppError> {
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
    let metadata = Metadata::parse(header)?;
    identity.authorize(&metadata.channel)?;
    let has_body = headers.contains_key(header::CONTENT_TYPE);
    if has_body {
        check_body(headers, size)?;
    }

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
    let row = uploads.files.create(creation, now_ms).await?;
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
    let expires_ms = row.expires_ms;
    let location = format!("{FILES_PATH}/{}", row.id);
    // The body begins at 0; if bytes are here already the client continues from the offset in the answer.
    let offset = if has_body && row.offset == 0 {
        let checksum = checksum(headers)?;
        receive(uploads, row, guard, checksum, body).await?
    } else {
        row.offset
    };
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)]).into_response();
    say_state(response.headers_mut(), offset, Some(expires_ms));
    Ok(response)
}

async fn try_append(
    uploads: &Uploads,
    caller: Checked<Caller>,
    id: &str,
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<Response, AppError> {
    check_version(headers)?;
    let offset = number(headers, "upload-offset", "Upload-Offset")?;
    let checksum = checksum(headers)?;
    let (row, guard) = locked(uploads, &caller?, id).await?;
    if row.offset != offset {
        let message = format!("Upload-Offset: the upload stands at {}", row.offset);
        return Err(AppError::new(ErrorCode::OffsetMismatch, message));
    }
    // After the offset: a client with a wrong offset cannot know how much fits.
    check_body(headers, row.size - row.offset.min(row.size))?;
    let offset = receive(uploads, row, guard, checksum, body).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    say_state(
        response.headers_mut(),
        offset,
        Some(uploads.door.clock.now_ms() + UPLOAD_LIFE_MS),
    );
    Ok(response)
}

/// Takes the bytes in a task of its own: when the connection breaks the server drops the request, and
/// what has arrived must still be kept.
async fn receive(
    uploads: &Uploads,
    row: Row,
    guard: Guard,
    checksum: Option<Checksum>,
    body: &mut Option<Body>,
) -> Result<u64, ErrorBody> {
    let receiver = Receiver {
        files: uploads.files.clone(),
        clock: uploads.door.clock,
        metrics: uploads.metrics.clone(),
        idle: uploads.idle,
        stopping: uploads.stopping.clone(),
        guard,
        checksum,
    };
    let body = body.take().unwrap_or_default();
    tokio::spawn(receiver.receive(row, body))
        .await
        .map_err(internal)?
}

/// The answer; what the handler has not read of the body is read first.
async fn answered(answer: Result<Response, AppError>, unread: Option<Body>) -> Response {
    if let Some(body) = unread {
        let mut body = body.into_data_stream();
        let drain = async {
            let mut read = 0;
            while let Some(Ok(chunk)) = body.next().await {
                read += chunk.len();
                if read > DRAIN_BYTES {
                    break;
                }
            }
        };
        // Only for the client's benefit; a slow one is answered as well.
        let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
    }
    answer.unwrap_or_else(AppError::into_response)
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
    let is_own =
        |row: &Row| row.user_id == *identity.user_id && identity.authorize(&row.channel).is_ok();
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
