//! What the package's JavaScript calls.

use std::rc::Rc;

use alo_protocol::ErrorCode;
use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;

use super::{
    arguments::{self, SendArguments},
    download::download,
    driver::Driver,
    envelope, environment,
    http::spawn,
    options::Options,
    outbox::{self, Outbox},
    token::TokenSource,
};
use crate::core::{CallId, Client, Config, Error, FileMeta, Input};

/// The engine behind one `AloChat`. Its methods never throw: what is wrong is in what they resolve to.
#[wasm_bindgen]
pub struct Engine {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine that is not connected. `dispatch` receives every event; what is unsent is kept in
    /// `outbox`, if there is one.
    ///
    /// # Errors
    /// A JavaScript error when the options are not what they should be.
    #[wasm_bindgen(constructor)]
    pub fn new(
        options: JsValue,
        auth_token: &JsValue,
        dispatch: Function,
        outbox: Option<Outbox>,
    ) -> Result<Engine, JsValue> {
        let options = Options::parse(&options)
            .ok_or_else(|| js_sys::TypeError::new("endpoint: must be a string"))?;
        let tokens = TokenSource::new(auth_token)
            .ok_or_else(|| js_sys::TypeError::new("authToken: must be a string or a function"))?;
        let client = Client::new(Config {
            seed: environment::seed(),
            token_renewable: tokens.is_renewable(),
            outbox_limit: options.outbox_limit as usize,
            parallel_uploads: options.parallel_uploads.max(1) as usize,
            outbox_kept: outbox.is_some(),
        });
        Ok(Self {
            driver: Driver::new(client, options.endpoint(), tokens, dispatch, outbox),
        })
    }

    /// `sendMessage({…})`
    #[wasm_bindgen(js_name = sendMessage)]
    pub fn send_message(&self, value: &JsValue) -> Promise {
        let arguments = match arguments::send_message(value) {
            Ok(arguments) => arguments,
            Err(error) => return refuse(&error),
        };
        let SendArguments {
            draft,
            files,
            signal,
        } = arguments;
        if signal.as_ref().is_some_and(web_sys::AbortSignal::aborted) {
            return refuse(&Error::new(ErrorCode::Aborted, "the signal was aborted"));
        }
        let files = files
            .into_iter()
            .map(|file| {
                let meta = FileMeta {
                    channel: draft.channel.clone(),
                    name: file.name(),
                    size: file.size() as u64,
                };
                (self.driver.add_upload(file, meta.clone()), meta)
            })
            .collect();
        let (call, promise) = self.driver.calls.open();
        if let Some(signal) = signal {
            self.driver.abort_with(call, signal);
        }
        self.driver.input(Input::Send {
            call,
            draft,
            files,
            unix_ms: environment::unix_ms(),
        });
        promise
    }

    /// Takes what earlier pages have left unsent, as `outbox` has kept it; gives a promise for each, as
    /// `sendMessage` would.
    pub fn restored(&self, messages: &Array) -> Array {
        let mut restored = Vec::new();
        let results = messages
            .iter()
            .map(|message| {
                let kept = outbox::read(&message, |file, meta| self.driver.add_upload(file, meta));
                match kept {
                    Ok(kept) => {
                        let (call, promise) = self.driver.calls.open();
                        restored.push((call, kept));
                        promise
                    }
                    Err(error) => refuse(&error),
                }
            })
            .collect();
        self.driver.input(Input::Restored(restored));
        results
    }

    /// `subscribe({channelIds})`
    pub fn subscribe(&self, value: &JsValue) -> Promise {
        match arguments::channel_ids(value) {
            Ok(channels) => self.call(|call| Input::Subscribe(call, channels)),
            Err(error) => refuse(&error),
        }
    }

    /// `unsubscribe({channelIds})`
    pub fn unsubscribe(&self, value: &JsValue) -> Promise {
        match arguments::channel_ids(value) {
            Ok(channels) => self.call(|call| Input::Unsubscribe(call, channels)),
            Err(error) => refuse(&error),
        }
    }

    /// `connect()`
    pub fn connect(&self) -> Promise {
        self.call(Input::Connect)
    }

    /// `disconnect()`
    pub fn disconnect(&self) -> Promise {
        self.call(Input::Disconnect)
    }

    /// `downloadFile({file, signal})`
    #[wasm_bindgen(js_name = downloadFile)]
    pub fn download_file(&self, value: &JsValue) -> Promise {
        let (file, signal) = match arguments::download_file(value) {
            Ok(arguments) => arguments,
            Err(error) => return refuse(&error),
        };
        if signal.as_ref().is_some_and(web_sys::AbortSignal::aborted) {
            return refuse(&Error::new(ErrorCode::Aborted, "the signal was aborted"));
        }
        let driver = self.driver.clone();
        let (call, promise) = driver.calls.open();
        spawn(Box::pin(async move {
            let result = download(&driver, file, signal).await;
            driver.resolve(call, &result);
        }));
        promise
    }

    fn call(&self, input: impl FnOnce(CallId) -> Input<'static, JsValue>) -> Promise {
        let (call, promise) = self.driver.calls.open();
        self.driver.input(input(call));
        promise
    }
}

fn refuse(error: &Error) -> Promise {
    Promise::resolve(&envelope::failure(error))
}
