//! The interface for the package's JavaScript.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::File;

use super::{
    driver::Driver,
    environment,
    host::Host,
    js::{elements, field, number, text},
    storage::{self, Storage},
};
use crate::core::{
    CallId, Client, Config, FileMeta, HttpId, HttpReply, Input, Lane, Request, UploadId,
    codec::decode_error,
};

/// Lanes in JavaScript; `pkg-template/chat.js` has the same numbers.
const ONCE: u32 = 0;
const RETRY: u32 = 1;

/// The engine behind one `AloChat`. A call is a number that JavaScript chose; it is answered by exactly one
/// `Host.settle`.
#[wasm_bindgen]
pub struct Engine {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine that is not connected. With `storage` unsent commands are kept after the page is closed.
    #[wasm_bindgen(constructor)]
    pub fn new(
        token_renewable: bool,
        outbox_limit: u32,
        parallel_uploads: u32,
        host: Host,
        storage: Option<Storage>,
        device: JsValue,
    ) -> Engine {
        let client = Client::new(Config {
            seed: environment::seed(),
            token_renewable,
            outbox_limit: outbox_limit as usize,
            parallel_uploads: parallel_uploads.max(1) as usize,
            outbox_kept: storage.is_some(),
            device,
        });
        Self {
            driver: Driver::new(client, host, storage),
        }
    }

    /// Any method of the protocol: see [`Request::body`].
    pub fn request(&self, call: u32, lane: u32, body: JsValue, bytes: u32) {
        let lane = match lane {
            ONCE => Lane::Once {
                unix_ms: environment::unix_ms(),
                files: Vec::new(),
            },
            RETRY => Lane::Retry,
            _ => Lane::Now,
        };
        self.driver
            .input(Input::Request(CallId(call), Request { body, bytes, lane }));
    }

    /// A command whose files are uploaded to a channel before it is sent.
    #[wasm_bindgen(js_name = requestWithFiles)]
    pub fn request_with_files(
        &self,
        call: u32,
        body: JsValue,
        bytes: u32,
        channel: &str,
        files: &JsValue,
    ) {
        let files = elements(files)
            .filter_map(|file| self.add_file(file.dyn_into().ok()?, channel))
            .collect();
        let lane = Lane::Once {
            unix_ms: environment::unix_ms(),
            files,
        };
        self.driver
            .input(Input::Request(CallId(call), Request { body, bytes, lane }));
    }

    /// Takes what earlier pages have left unsent, as storage has kept it, each with the call that represents it.
    pub fn restored(&self, commands: &JsValue) {
        let mut restored = Vec::new();
        for command in elements(commands) {
            let add_file = |file, channel: &str| self.add_file(file, channel);
            match storage::read(&command, add_file) {
                (call, Ok(kept)) => restored.push((call, kept)),
                (call, Err(error)) => self.driver.settle(call, Err(error)),
            }
        }
        self.driver.input(Input::Restored(restored));
    }

    /// Subscribes to channels.
    pub fn subscribe(&self, call: u32, channels: &JsValue) {
        self.driver
            .input(Input::Subscribe(CallId(call), channel_ids(channels)));
    }

    /// Unsubscribes from channels.
    pub fn unsubscribe(&self, call: u32, channels: &JsValue) {
        self.driver
            .input(Input::Unsubscribe(CallId(call), channel_ids(channels)));
    }

    /// Connects.
    pub fn connect(&self, call: u32) {
        self.driver.input(Input::Connect(CallId(call)));
    }

    /// Ends the connection and all open calls.
    pub fn disconnect(&self, call: u32) {
        self.driver.input(Input::Disconnect(CallId(call)));
    }

    /// Resolves to the token; `refused` is the one the gateway did not accept.
    pub fn token(&self, call: u32, refused: Option<String>) {
        self.driver.input(Input::Token {
            call: CallId(call),
            refused,
        });
    }

    /// The answer to `Host.fetchToken`: a token, or the reason why there is none.
    #[wasm_bindgen(js_name = tokenFetched)]
    pub fn token_fetched(&self, token: Option<String>, reason: String) {
        self.driver.input(Input::TokenFetched(token.ok_or(reason)));
    }

    /// The answer to `Host.http`; `undefined` when the network failed.
    #[wasm_bindgen(js_name = httpDone)]
    pub fn http_done(&self, id: u32, reply: &JsValue) {
        let error = field(reply, "error");
        let reply = number(reply, "status").map(|status| HttpReply {
            status: status as u16,
            offset: text(reply, "offset").and_then(|offset| offset.parse().ok()),
            location: text(reply, "location"),
            error: error.is_object().then(|| decode_error(&error)),
        });
        self.driver.input(Input::HttpDone(HttpId(id), reply));
    }

    /// The call's signal was aborted.
    pub fn abort(&self, call: u32) {
        self.driver.input(Input::Abort(CallId(call)));
    }
}

impl Engine {
    fn add_file(&self, file: File, channel: &str) -> Option<(UploadId, FileMeta)> {
        let meta = FileMeta {
            channel: channel.parse().ok()?,
            name: file.name(),
            size: file.size() as u64,
        };
        Some((self.driver.add_upload(file, meta.clone()), meta))
    }
}

/// JavaScript has checked them.
fn channel_ids(list: &JsValue) -> Vec<alo_protocol::ChannelId> {
    elements(list)
        .filter_map(|id| alo_protocol::ChannelId::of_log(&id.as_string()?).ok())
        .collect()
}
