//! The headers with which a tus server announces its capabilities.

use alo_protocol::{FILES_PATH, Limits, TUS_VERSION};
use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};

const EXTENSIONS: &str = "creation,creation-with-upload,termination,checksum,expiration";
const CHECKSUMS: &str = "sha1,sha256";

pub(super) async fn announce(request: Request, next: Next) -> Response {
    let is_files = request
        .uri()
        .path()
        .strip_prefix(FILES_PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_options = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if is_files {
        let says_versions = is_options || response.status() == StatusCode::PRECONDITION_FAILED;
        let headers = response.headers_mut();
        if says_versions {
            headers.insert("tus-version", HeaderValue::from_static(TUS_VERSION));
        }
        if is_options {
            headers.insert("tus-extension", HeaderValue::from_static(EXTENSIONS));
            headers.insert(
                "tus-checksum-algorithm",
                HeaderValue::from_static(CHECKSUMS),
            );
            headers.insert("tus-max-size", Limits::DEFAULT.file_bytes.into());
        } else {
            headers.insert("tus-resumable", HeaderValue::from_static(TUS_VERSION));
        }
    }
    response
}
