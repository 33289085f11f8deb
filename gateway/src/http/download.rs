//! Downloads. Name, type and bytes of a file are untrusted: nothing served from here may run in the gateway's
//! origin.

use alo_protocol::{ErrorBody, ErrorCode, FILES_PATH, Uuid};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    error::AppError,
    extract::{Caller, Segment},
    uploads::{Uploads, not_found, until_refused},
};
use crate::{
    error::internal,
    files::{
        Files, Transfer,
        records::{Part, Row},
    },
};

/// Types a browser shows without running anything; SVG, HTML and PDF can contain scripts.
const INLINE: [&str; 13] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "video/mp4",
    "video/ogg",
    "video/webm",
];
/// Bytes read at a time. One more than those read ahead waits to be sent.
const PIECE: u64 = 256 << 10;
/// Pieces read ahead of a slow client.
const AHEAD: usize = 2;
/// What is allowed in `filename*` unescaped (RFC 8187, `attr-char`).
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

pub(super) fn router(uploads: Uploads) -> Router {
    Router::new()
        .route(&format!("{FILES_PATH}/{{id}}"), get(download))
        .with_state(uploads)
}

/// `GET`: the bytes, or one range of them.
pub(super) async fn download(
    State(uploads): State<Uploads>,
    caller: Caller,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let clock = uploads.door.clock;
    let row = readable(&uploads.files, &caller, &id, clock.now_ms()).await?;
    let etag = format!("\"{}\"", row.id);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tags| names(tags, &etag))
    {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let (status, from, to) = match range(&headers, &etag, row.size) {
        Range::Whole => (StatusCode::OK, 0, row.size),
        Range::Part(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
        Range::Unsatisfiable => {
            let message = format!("Range: the file has {} bytes", row.size);
            let mut response =
                AppError::new(ErrorCode::RangeNotSatisfiable, message).into_response();
            let range = format!("bytes */{}", row.size);
            response
                .headers_mut()
                .insert(header::CONTENT_RANGE, value(&range)?);
            return Ok(response);
        }
    };
    let transfer = uploads.transfers.begin(&caller.0.user_id)?;
    let parts = uploads.files.parts(row.id, from, to).await?;
    let (Caller(identity), channel) = (caller, row.channel.clone());
    let refused = async move { identity.refused(&channel, false, || clock.now_ms()).await };
    let bytes = bytes(uploads.files.clone(), transfer, row.id, parts, from, to);
    let mut response = Body::from_stream(until_refused(bytes, refused)).into_response();
    *response.status_mut() = status;
    describe(response.headers_mut(), &row, &etag)?;
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, (to - from).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {from}-{}/{}", to - 1, row.size);
        response
            .headers_mut()
            .insert(header::CONTENT_RANGE, value(&range)?);
    }
    Ok(response)
}

/// The file, if this token may read it: it belongs to a message of a channel the token permits, or to the
/// user.
async fn readable(
    files: &Files,
    Caller(identity): &Caller,
    id: &str,
    now_ms: u64,
) -> Result<Row, ErrorBody> {
    let id: Uuid = id.parse().map_err(|_| not_found())?;
    let row = files.find(id).await?.filter(|row| {
        let may_see = row.message.is_some() || row.user_id == *identity.user_id;
        !row.ended && may_see && identity.authorize(&row.channel, now_ms).is_ok()
    });
    let row = row.ok_or_else(not_found)?;
    if row.offset < row.size {
        return Err(ErrorBody::new(
            ErrorCode::FileIncomplete,
            "the file's upload is not complete",
        ));
    }
    Ok(row)
}

enum Range {
    Whole,
    Part(u64, u64),
    Unsatisfiable,
}

/// The requested range. Several, or a malformed one, return the entire file (RFC 9110, 14.2).
fn range(headers: &HeaderMap, etag: &str, size: u64) -> Range {
    let is_current = headers.get(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let header = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok())
        .filter(|_| is_current);
    let Some(parsed) = header.and_then(|text| http_range_header::parse_range_header(text).ok())
    else {
        return Range::Whole;
    };
    match parsed.validate(size) {
        Ok(ranges) => match &ranges[..] {
            [range] => Range::Part(*range.start(), *range.end() + 1),
            _ => Range::Whole,
        },
        Err(_) => Range::Unsatisfiable,
    }
}

fn names(tags: &HeaderValue, etag: &str) -> bool {
    tags.to_str().is_ok_and(|tags| {
        tags.split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*")
    })
}

fn describe(headers: &mut HeaderMap, row: &Row, etag: &str) -> Result<(), ErrorBody> {
    let is_inline = INLINE.contains(&row.content_type.as_str());
    let kind = if is_inline {
        &row.content_type
    } else {
        "application/octet-stream"
    };
    headers.insert(header::CONTENT_TYPE, value(kind)?);
    headers.insert(
        header::CONTENT_DISPOSITION,
        value(&disposition(is_inline, &row.name))?,
    );
    headers.insert(header::ETAG, value(etag)?);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Whether the token permits the channel is checked each time.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    Ok(())
}

/// RFC 6266: an ASCII name for old clients, and the full one.
fn disposition(is_inline: bool, name: &str) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' | '%' | '/' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    format!(
        "{kind}; filename=\"{plain}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, ATTR_CHAR)
    )
}

fn value(text: &str) -> Result<HeaderValue, ErrorBody> {
    HeaderValue::from_str(text).map_err(internal)
}

/// Bytes `from..to`, in pieces that are read while the client receives them.
fn bytes(
    files: Files,
    transfer: Transfer,
    id: Uuid,
    parts: Vec<Part>,
    from: u64,
    to: u64,
) -> impl stream::Stream<Item = Result<bytes::Bytes, std::io::Error>> + Send + 'static {
    stream::iter(pieces(parts, from, to))
        .map(move |(part, start, end)| {
            let files = files.clone();
            async move { files.read(id, part, start, end).await }
        })
        .buffered(AHEAD)
        .map_err(move |error| {
            // Runs for as long as the stream is there.
            let _ = &transfer;
            std::io::Error::other(error.message)
        })
}

/// What to read: the part's offset, and start and end within it.
fn pieces(parts: Vec<Part>, from: u64, to: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    parts.into_iter().flat_map(move |part| {
        let start = from.saturating_sub(part.offset);
        let end = part.size.min(to.saturating_sub(part.offset));
        let count = end.saturating_sub(start).div_ceil(PIECE);
        (0..count).map(move |index| {
            let start = start + index * PIECE;
            (part.offset, start, end.min(start + PIECE))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_header() {
        assert_eq!(
            disposition(true, "a b.png"),
            "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"
        );
        assert_eq!(
            disposition(false, "\"; x=\"й\n"),
            "attachment; filename=\"_; x=___\"; filename*=UTF-8''%22%3B%20x%3D%22%D0%B9%0A"
        );
    }

    #[test]
    fn pieces_cover_the_range_and_nothing_else() {
        let parts = vec![
            Part {
                offset: 0,
                size: 3 * PIECE,
            },
            Part {
                offset: 3 * PIECE,
                size: 10,
            },
        ];
        let all: Vec<_> = pieces(parts.clone(), 0, 3 * PIECE + 10).collect();
        assert_eq!(all.len(), 4);
        assert_eq!(all[3], (3 * PIECE, 0, 10));
        assert_eq!(pieces(parts.clone(), 5, 6).collect::<Vec<_>>(), [(0, 5, 6)]);
        let over = 3 * PIECE;
        assert_eq!(
            pieces(parts, over - 1, over + 1).collect::<Vec<_>>(),
            [(0, over - 1, over), (over, 0, 1)]
        );
    }

    #[test]
    fn ranges_are_one_or_none() {
        let ask = |text: &str| {
            let headers =
                HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(text).unwrap())]);
            match range(&headers, "\"x\"", 10) {
                Range::Whole => "whole".to_owned(),
                Range::Part(from, to) => format!("{from}..{to}"),
                Range::Unsatisfiable => "unsatisfiable".to_owned(),
            }
        };
        assert_eq!(ask("bytes=2-4"), "2..5");
        assert_eq!(ask("bytes=-3"), "7..10");
        assert_eq!(ask("bytes=4-"), "4..10");
        assert_eq!(ask("bytes=10-"), "unsatisfiable");
        assert_eq!(ask("bytes=0-1,4-5"), "whole");
        assert_eq!(ask("lines=1-2"), "whole");
    }
}
