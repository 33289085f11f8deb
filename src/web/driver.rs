//! Drives the core, and is its only caller.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use wasm_bindgen::prelude::*;
use web_sys::File;

use super::{
    environment::{self, WakeListener},
    events,
    host::Host,
    socket::{ABNORMAL, Socket, SocketEvents},
    storage::{self, Storage},
    timer::Timer,
};
use crate::core::{
    self, CallId, Client, Error, FileMeta, HttpId, HttpRequest, Input, Instant, Output, Settled,
    SocketId, UploadId,
};

/// A client with everything it needs from the browser.
pub(super) struct Driver {
    /// Itself, for closures that must not keep it alive.
    this: Weak<Driver>,
    client: RefCell<Client<JsValue>>,
    pumping: Cell<bool>,
    latest: Cell<Instant>,
    host: Host,
    storage: Option<Storage>,
    socket: RefCell<Option<Socket>>,
    uploads: RefCell<Vec<(UploadId, File, FileMeta)>>,
    next_upload: Cell<u32>,
    timer: Timer,
    _wake: WakeListener,
}

impl Driver {
    /// A driver over this host.
    pub(super) fn new(client: Client<JsValue>, host: Host, storage: Option<Storage>) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<Self>| {
            let (on_time, on_wake) = (this.clone(), this.clone());
            Self {
                this: this.clone(),
                client: RefCell::new(client),
                pumping: Cell::new(false),
                latest: Cell::new(Instant(0)),
                host,
                storage,
                socket: RefCell::default(),
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

    /// Passes an input to the core and runs its outputs.
    pub(super) fn input(&self, input: Input<'_, JsValue>) {
        self.handle(environment::now(), input);
        self.pump();
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
                    socket.send(&frame);
                }
            }
            Output::FetchToken => self.host.fetch_token(),
            Output::Http {
                id,
                upload,
                token,
                request,
            } => self.http(id, upload, &token, &request),
            Output::CancelHttp(id) => self.host.cancel_http(id.0),
            Output::Settle(call, result) => self.settle(call, result),
            Output::Emit(event) => {
                let event = events::event(event, |id, file_id| self.uploading(id, file_id));
                if let Some(event) = event {
                    self.host.emit(&event);
                }
            }
            Output::ReleaseUpload(id) => {
                self.uploads.borrow_mut().retain(|(held, _, _)| *held != id)
            }
            Output::Storage(storage) => self.store(storage),
        }
    }

    fn store(&self, task: core::Storage<JsValue>) {
        let Some(storage) = &self.storage else {
            return;
        };
        match task {
            core::Storage::Keep(kept) => storage::keep(storage, &kept, |upload| self.file(upload)),
            core::Storage::KeepUpload {
                upload,
                key,
                location,
            } => storage.keep_upload(upload.0, &String::from(key), location),
            core::Storage::Forget(key) => storage.forget(&String::from(key)),
            core::Storage::Restore { user } => storage.restore(&user),
        }
    }

    /// Answers a call.
    pub(super) fn settle(&self, call: CallId, result: Result<Settled<JsValue>, Error>) {
        let nothing = JsValue::UNDEFINED;
        let value = match result {
            Ok(Settled::Done) => nothing.clone(),
            Ok(Settled::Value(value)) => value,
            Ok(Settled::Token(token)) => token.into(),
            Err(error) => {
                return self
                    .host
                    .settle(call.0, &events::error_data(&error), &nothing);
            }
        };
        self.host.settle(call.0, &nothing, &value);
    }

    fn uploading(&self, id: UploadId, file_id: Option<String>) -> Option<JsValue> {
        let uploads = self.uploads.borrow();
        let (_, source, meta) = uploads.iter().find(|(held, _, _)| *held == id)?;
        Some(events::uploading(source, meta, file_id))
    }

    fn open_socket(&self, id: SocketId) {
        match self.host.open_socket() {
            Some(socket) => {
                let socket = Socket::new(id, socket, self.this.clone());
                self.socket.replace(Some(socket));
            }
            None => self.handle(environment::now(), Input::SocketClosed(id, ABNORMAL)),
        }
    }

    fn http(&self, id: HttpId, upload: UploadId, token: &str, request: &HttpRequest) {
        let uploads = self.uploads.borrow();
        let Some((_, file, meta)) = uploads.iter().find(|(held, _, _)| *held == upload) else {
            return;
        };
        let (method, location, key, start, length) = match request {
            HttpRequest::Create { key, length } => ("POST", None, Some(key), 0, *length),
            HttpRequest::Append {
                location,
                offset,
                length,
            } => ("PATCH", Some(location), None, *offset, *length),
            HttpRequest::Probe { location } => ("HEAD", Some(location), None, 0, 0),
            HttpRequest::Terminate { location } => ("DELETE", Some(location), None, 0, 0),
        };
        // Files are smaller than 2^53 bytes, so the numbers are exact.
        self.host.http(
            id.0,
            method,
            token,
            location.cloned(),
            key.map(|key| String::from(*key)),
            start as f64,
            (start + length) as f64,
            meta.size as f64,
            meta.channel.as_str(),
            file,
        );
    }
}

impl SocketEvents for Driver {
    /// Time never decreases for the core, although an event may have waited while others were processed.
    fn handle(&self, at: Instant, input: Input<'_, JsValue>) {
        let now = at.max(self.latest.get());
        self.latest.set(now);
        self.client.borrow_mut().handle(now, input);
    }

    /// Runs outputs until there are none. JavaScript called meanwhile may pass inputs; their outputs wait for
    /// their turn here, so that every listener receives all events in one order.
    fn pump(&self) {
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
}
