//! Drives the core: the only caller of it.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, File};

use super::{
    calls::{AbortWatch, Calls},
    envelope,
    environment::{self, WakeListener},
    frame,
    http::{self, spawn},
    js::object,
    options::Endpoint,
    outbox::{self, Outbox},
    socket::{ABNORMAL, Socket, tell},
    timer::Timer,
    token::{self, TokenSource},
};
use crate::core::{
    CallId, Client, Error, Event, FileMeta, HttpId, HttpRequest, Input, Instant, Output, Settled,
    SocketId, Storage, UploadId,
};

/// A client with everything it needs of the browser.
pub(super) struct Driver {
    pub(super) endpoint: Endpoint,
    pub(super) calls: Calls,
    /// Itself, for closures that must not keep it alive.
    this: Weak<Driver>,
    client: RefCell<Client<JsValue>>,
    pumping: Cell<bool>,
    latest: Cell<Instant>,
    tokens: TokenSource,
    dispatch: Function,
    outbox: Option<Outbox>,
    socket: RefCell<Option<Socket>>,
    requests: RefCell<Vec<(HttpId, AbortController)>>,
    uploads: RefCell<Vec<(UploadId, File, FileMeta)>>,
    next_upload: Cell<u32>,
    timer: Timer,
    _wake: WakeListener,
}

impl Driver {
    /// A driver whose events go to `dispatch`.
    pub(super) fn new(
        client: Client<JsValue>,
        endpoint: Endpoint,
        tokens: TokenSource,
        dispatch: Function,
        outbox: Option<Outbox>,
    ) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<Self>| {
            let (on_time, on_wake) = (this.clone(), this.clone());
            Self {
                endpoint,
                calls: Calls::default(),
                this: this.clone(),
                client: RefCell::new(client),
                pumping: Cell::new(false),
                latest: Cell::new(Instant(0)),
                tokens,
                dispatch,
                outbox,
                socket: RefCell::default(),
                requests: RefCell::default(),
                uploads: RefCell::default(),
                next_upload: Cell::new(0),
                timer: Timer::new(move || {
                    if let Some(driver) = on_time.upgrade() {
                        driver.timer.fired();
                        driver.input(Input::Timeout);
                    }
                }),
                _wake: WakeListener::new(move || {
                    if let Some(driver) = on_wake.upgrade() {
                        driver.input(Input::Wake);
                    }
                }),
            }
        })
    }

    /// Gives the core an input and does what it asks for.
    pub(super) fn input(&self, input: Input<'_, JsValue>) {
        self.handle(environment::now(), input);
        self.pump();
    }

    /// Time never goes back for the core, though an event may have waited while other things happened.
    pub(super) fn handle(&self, at: Instant, input: Input<'_, JsValue>) {
        let now = at.max(self.latest.get());
        self.latest.set(now);
        self.client.borrow_mut().handle(now, input);
    }

    /// Keeps a file until the core releases it.
    pub(super) fn add_upload(&self, file: File, meta: FileMeta) -> UploadId {
        let id = UploadId(self.next_upload.get());
        self.next_upload.set(id.0.wrapping_add(1));
        self.uploads.borrow_mut().push((id, file, meta));
        id
    }

    fn file(&self, upload: UploadId) -> JsValue {
        let uploads = self.uploads.borrow();
        let held = uploads.iter().find(|(held, _, _)| *held == upload);
        held.map_or(JsValue::UNDEFINED, |(_, file, _)| file.into())
    }

    /// Aborts the call when the signal is.
    pub(super) fn abort_with(&self, call: CallId, signal: AbortSignal) {
        let driver = self.this.clone();
        let watch = AbortWatch::new(signal, move || {
            if let Some(driver) = driver.upgrade() {
                driver.input(Input::Abort(call));
            }
        });
        self.calls.watch(call, watch);
    }

    /// A promise of the token, as the core has it or gets it, or of what the call then resolves to; `refused` is
    /// the one that did not do.
    pub(super) fn token(&self, refused: Option<String>, signal: Option<&AbortSignal>) -> Promise {
        let (call, promise) = self.calls.open();
        if let Some(signal) = signal {
            self.abort_with(call, signal.clone());
        }
        self.input(Input::Token { call, refused });
        promise
    }

    /// Runs outputs until there are none. JavaScript called meanwhile may give inputs; their outputs
    /// wait for their turn here, so that every listener sees every event in one order.
    pub(super) fn pump(&self) {
        if self.pumping.replace(true) {
            return;
        }
        loop {
            // The borrow ends with the statement: what runs next may call back.
            let output = self.client.borrow_mut().poll_output();
            match output {
                Some(output) => self.run(output),
                None => break,
            }
        }
        self.pumping.set(false);
        let deadline = self.client.borrow().next_timeout();
        self.timer.arm(deadline);
    }

    fn run(&self, output: Output<JsValue>) {
        match output {
            Output::OpenSocket(id) => self.open_socket(id),
            Output::CloseSocket(id) => {
                let socket = self.socket.borrow_mut().take_if(|socket| socket.id == id);
                drop(socket);
            }
            Output::SendFrame(id, frame) => {
                if let Some(socket) = self
                    .socket
                    .borrow()
                    .as_ref()
                    .filter(|socket| socket.id == id)
                {
                    socket.send(&frame::encode(&frame));
                }
            }
            Output::FetchToken => self.fetch_token(),
            Output::Http {
                id,
                upload,
                token,
                request,
            } => self.http(id, upload, &token, &request),
            Output::CancelHttp(id) => {
                if let Some(controller) = self.take_request(id) {
                    controller.abort();
                }
            }
            Output::Settle(call, result) => self.settle(call, result),
            Output::Emit(event) => self.emit(event),
            Output::ReleaseUpload(id) => {
                self.uploads.borrow_mut().retain(|(held, _, _)| *held != id)
            }
            Output::Storage(storage) => self.store(storage),
        }
    }

    fn store(&self, storage: Storage<JsValue>) {
        let Some(outbox) = &self.outbox else {
            return;
        };
        match storage {
            Storage::Keep(kept) => outbox::keep(outbox, &kept, |upload| self.file(upload)),
            Storage::KeepUpload {
                upload,
                key,
                location,
            } => outbox.keep_upload(upload.0, &String::from(key), location),
            Storage::Forget(key) => outbox.forget(&String::from(key)),
            Storage::Restore { user } => outbox.restore(&user),
        }
    }

    fn settle(&self, call: CallId, result: Result<Settled<JsValue>, Error>) {
        let value = match result {
            Ok(Settled::Token(token)) => token.into(),
            result => envelope::settled(result),
        };
        self.resolve(call, &value);
    }

    /// Answers a call, if it is still open.
    pub(super) fn resolve(&self, call: CallId, value: &JsValue) {
        if let Some(resolve) = self.calls.take(call) {
            let _ = resolve.call1(&JsValue::UNDEFINED, value);
        }
    }

    fn emit(&self, event: Event<JsValue>) {
        let value = match event {
            Event::UploadProgress(id, percent) => self.upload_event(
                id,
                "file.upload.progress",
                None,
                Some(("percent", percent.into())),
            ),
            Event::UploadComplete(id, file) => {
                self.upload_event(id, "file.upload.complete", Some(file.into()), None)
            }
            Event::UploadError(id, error) => self.upload_event(
                id,
                "file.upload.error",
                None,
                Some(("error", envelope::error_data(&error))),
            ),
            event @ (Event::Pushed(_)
            | Event::Connected
            | Event::Disconnected
            | Event::Reconnecting { .. }
            | Event::Failed(_)
            | Event::Gap(..)) => envelope::event(event),
        };
        if let Some(value) = value {
            tell(&self.dispatch, &value);
        }
    }

    fn upload_event(
        &self,
        id: UploadId,
        kind: &str,
        file_id: Option<String>,
        more: Option<(&str, JsValue)>,
    ) -> Option<JsValue> {
        let uploads = self.uploads.borrow();
        let (_, source, meta) = uploads.iter().find(|(held, _, _)| *held == id)?;
        let file = [
            ("channelId", meta.channel.as_str().into()),
            ("name", meta.name.as_str().into()),
            ("lastModified", source.last_modified().into()),
            ("size", (meta.size as f64).into()),
            ("contentType", source.type_().into()),
            ("source", source.into()),
            ("id", file_id.map_or(JsValue::UNDEFINED, JsValue::from)),
        ];
        let data: Vec<_> = [("file", object(&file))].into_iter().chain(more).collect();
        Some(envelope::typed(kind, &data))
    }

    fn open_socket(&self, id: SocketId) {
        match Socket::open(id, &self.endpoint.connect(), self.this.clone()) {
            Ok(socket) => {
                self.socket.replace(Some(socket));
            }
            Err(_) => self.handle(environment::now(), Input::SocketClosed(id, ABNORMAL)),
        }
    }

    fn fetch_token(&self) {
        let Some(driver) = self.this.upgrade() else {
            return;
        };
        let promise = self.tokens.ask();
        spawn(Box::pin(async move {
            let answer = JsFuture::from(promise).await;
            let token = token::read(answer, !driver.tokens.is_renewable());
            driver.input(Input::TokenFetched(token));
        }));
    }

    fn http(&self, id: HttpId, upload: UploadId, token: &str, request: &HttpRequest) {
        let (Some(driver), Ok(controller)) = (self.this.upgrade(), AbortController::new()) else {
            return;
        };
        let signal = controller.signal();
        self.requests.borrow_mut().push((id, controller));
        let uploads = self.uploads.borrow();
        let source = uploads.iter().find(|(held, _, _)| *held == upload);
        let source = source.map(|(_, file, meta)| (file, meta));
        let (promise, sent) = http::send(&self.endpoint, token, request, source, &signal);
        spawn(Box::pin(async move {
            let reply = match http::answer(promise, false).await {
                Some(answer) => Some(answer.into()),
                None => match sent {
                    Some(file) if !signal.aborted() => http::unreadable(&file).await,
                    Some(_) | None => None,
                },
            };
            // One that was cancelled is not waited for.
            if driver.take_request(id).is_some() {
                driver.input(Input::HttpDone(id, reply));
            }
        }));
    }

    fn take_request(&self, id: HttpId) -> Option<AbortController> {
        let mut requests = self.requests.borrow_mut();
        let index = requests.iter().position(|(held, _)| *held == id)?;
        Some(requests.swap_remove(index).1)
    }
}
