//! The options of `new AloChat({…})`. The package's JavaScript has checked endpoint and token, which
//! it must do before the engine is loaded.

use alo_protocol::{CONNECT_PATH, FILES_PATH, Uuid};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// Plain options, read by serde.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options {
    endpoint: String,
    #[serde(default = "default_outbox_limit")]
    pub(super) outbox_limit: u32,
    #[serde(default = "default_parallel_uploads")]
    pub(super) parallel_uploads: u32,
}

impl Options {
    pub(super) fn parse(value: JsValue) -> Result<Self, JsValue> {
        Ok(serde_wasm_bindgen::from_value(value)?)
    }

    /// Where things are on the gateway.
    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint(self.endpoint.trim_end_matches('/').to_owned())
    }
}

const fn default_outbox_limit() -> u32 {
    1_000
}

const fn default_parallel_uploads() -> u32 {
    3
}

/// The gateway's address, without a slash at its end.
pub(super) struct Endpoint(String);

impl Endpoint {
    /// Of the event socket.
    pub(super) fn connect(&self) -> String {
        // http becomes ws, https becomes wss.
        let rest = self.0.strip_prefix("http").unwrap_or(&self.0);
        format!("ws{rest}{CONNECT_PATH}")
    }

    /// Of the uploads.
    pub(super) fn files(&self) -> String {
        format!("{}{FILES_PATH}", self.0)
    }

    /// Of one file.
    pub(super) fn file(&self, id: Uuid) -> String {
        format!("{}{FILES_PATH}/{id}", self.0)
    }

    /// Of an upload a `Location` header names. Only its last segment counts: behind a proxy the
    /// gateway does not know its full address, and the token goes to the endpoint alone.
    pub(super) fn upload(&self, location: &str) -> String {
        let id = location.rsplit('/').next().unwrap_or_default();
        format!("{}{FILES_PATH}/{id}", self.0)
    }
}
