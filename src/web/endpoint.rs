//! URLs on the gateway.

use alo_protocol::FILES_PATH;

use crate::core::text::{concat, last_segment};

/// The gateway's address, without a slash at its end; the package's JavaScript has checked it.
pub(super) struct Endpoint(pub(super) String);

impl Endpoint {
    /// Of the uploads.
    pub(super) fn files(&self) -> String {
        concat(&[&self.0, FILES_PATH])
    }

    /// Of an upload a `Location` header names. Only its last segment counts: behind a proxy the
    /// gateway does not know its full address, and the token is sent only to the endpoint.
    pub(super) fn upload(&self, location: &str) -> String {
        concat(&[&self.0, FILES_PATH, "/", last_segment(location)])
    }
}
