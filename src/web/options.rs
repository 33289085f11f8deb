//! The options of `new AloChat({…})`. The package's JavaScript has checked endpoint and token, which
//! it must do before the engine is loaded.

use alo_protocol::{CONNECT_PATH, FILES_PATH, Uuid};
use wasm_bindgen::prelude::*;

use super::js::{number, text};
use crate::core::text::{concat, last_segment};

const OUTBOX_LIMIT: u32 = 1_000;
const PARALLEL_UPLOADS: u32 = 3;

/// Plain options.
pub(super) struct Options {
    endpoint: String,
    pub(super) outbox_limit: u32,
    pub(super) parallel_uploads: u32,
}

impl Options {
    pub(super) fn parse(value: &JsValue) -> Option<Self> {
        let count = |name, default| number(value, name).map_or(default, |number| number as u32);
        Some(Self {
            endpoint: text(value, "endpoint")?,
            outbox_limit: count("outboxLimit", OUTBOX_LIMIT),
            parallel_uploads: count("parallelUploads", PARALLEL_UPLOADS),
        })
    }

    /// Where things are on the gateway.
    pub(super) fn endpoint(&self) -> Endpoint {
        let bare = self.endpoint.strip_suffix("/");
        Endpoint(bare.unwrap_or(&self.endpoint).to_owned())
    }
}

/// The gateway's address, without a slash at its end.
pub(super) struct Endpoint(String);

impl Endpoint {
    /// Of the event socket.
    pub(super) fn connect(&self) -> String {
        // http becomes ws, https becomes wss.
        let rest = self.0.strip_prefix("http").unwrap_or(&self.0);
        concat(&["ws", rest, CONNECT_PATH])
    }

    /// Of the uploads.
    pub(super) fn files(&self) -> String {
        concat(&[&self.0, FILES_PATH])
    }

    /// Of one file.
    pub(super) fn file(&self, id: Uuid) -> String {
        self.upload(&String::from(id))
    }

    /// Of an upload a `Location` header names. Only its last segment counts: behind a proxy the
    /// gateway does not know its full address, and the token goes to the endpoint alone.
    pub(super) fn upload(&self, location: &str) -> String {
        concat(&[&self.0, FILES_PATH, "/", last_segment(location)])
    }
}
