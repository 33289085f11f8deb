//! What pages of other origins may send and read.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::origin::Origins;

/// How long a browser may remember what is allowed, seconds.
const MAX_AGE: u64 = 86_400;

pub(super) fn layer(origins: Origins) -> CorsLayer {
    const fn name(name: &'static str) -> HeaderName {
        HeaderName::from_static(name)
    }
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(
            move |origin: &HeaderValue, _: &Parts| origins.allows(origin),
        ))
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            name("idempotency-key"),
            name("tus-resumable"),
            name("upload-length"),
            name("upload-offset"),
            name("upload-metadata"),
            name("upload-checksum"),
            name("upload-defer-length"),
        ])
        .expose_headers([
            header::LOCATION,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
            header::ACCEPT_RANGES,
            header::ETAG,
            name("tus-resumable"),
            name("tus-version"),
            name("tus-extension"),
            name("tus-max-size"),
            name("tus-checksum-algorithm"),
            name("upload-length"),
            name("upload-offset"),
            name("upload-expires"),
            name("upload-metadata"),
        ])
        .max_age(Duration::from_secs(MAX_AGE))
}
