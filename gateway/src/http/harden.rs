//! Headers on every answer, so that no browser runs, frames or reveals what the gateway serves (OWASP ASVS 5.0, 3.4).
//! `Strict-Transport-Security` is the reverse proxy's, which has the certificate.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};

/// A gateway serves no page.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

pub(super) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // Files have a stricter one.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(POLICY);
    response
}
