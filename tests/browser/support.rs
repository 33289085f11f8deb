//! People who chat, and what they saw: the package's own JavaScript over the engine under test.

use std::{cell::RefCell, rc::Rc};

use alo_chat::web::{Engine, Host, Storage};
use futures::{
    StreamExt,
    channel::mpsc,
    future::{Either, select},
};
use gloo_net::http::Request;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;

/// Where the gateway is, fixed at compile time: a browser test has no environment.
pub const ENDPOINT: &str = match option_env!("ALO_TEST_ENDPOINT") {
    Some(endpoint) => endpoint,
    None => "http://127.0.0.1:8787",
};

/// The gateway's API key.
pub const API_KEY: &str = match option_env!("ALO_TEST_API_KEY") {
    Some(key) => key,
    None => "alo-test-key-of-at-least-32-bytes",
};

/// How long anything may take before the test fails.
const PATIENCE_MS: u32 = 30_000;

/// The modules of the package that make up the client, in the order of their imports.
const MODULES: [(&str, &str); 9] = [
    ("./causes.js", include_str!("../../pkg-template/causes.js")),
    ("./check.js", include_str!("../../pkg-template/check.js")),
    (
        "./first-flight.js",
        include_str!("../../pkg-template/first-flight.js"),
    ),
    (
        "./listeners.js",
        include_str!("../../pkg-template/listeners.js"),
    ),
    (
        "./uploads.js",
        include_str!("../../pkg-template/uploads.js"),
    ),
    (
        "./results.js",
        include_str!("../../pkg-template/results.js"),
    ),
    ("./live.js", include_str!("../../pkg-template/live.js")),
    ("./outbox.js", include_str!("../../pkg-template/outbox.js")),
    ("./chat.js", include_str!("../../pkg-template/chat.js")),
];

#[wasm_bindgen]
extern "C" {
    /// An `AloChat`.
    #[derive(Clone)]
    pub type Chat;
    #[wasm_bindgen(method, js_name = sendMessage)]
    pub fn send_message(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = fetchHistory)]
    pub fn fetch_history(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = fetchHistoryAround)]
    pub fn fetch_history_around(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = markRead)]
    pub fn mark_read(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = unreadCounts)]
    pub fn unread_counts(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = messageCounts)]
    pub fn message_counts(this: &Chat, channels: &JsValue, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = downloadFile)]
    pub fn download_file(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method)]
    pub fn subscribe(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method)]
    pub fn unsubscribe(this: &Chat, options: &JsValue) -> Promise;
    #[wasm_bindgen(method)]
    pub fn connect(this: &Chat) -> Promise;
    #[wasm_bindgen(method)]
    pub fn disconnect(this: &Chat) -> Promise;
    #[wasm_bindgen(method)]
    pub fn dispose(this: &Chat);
    #[wasm_bindgen(method, js_name = addEventListener)]
    fn listen(this: &Chat, listener: &Function);
    #[wasm_bindgen(method, js_name = addEventListener)]
    pub fn listen_to(this: &Chat, kind: &str, listener: &Function);
}

/// The class `AloChat` over the engine under test; made once.
async fn chat_class() -> Function {
    thread_local! {
        static CLASS: RefCell<Option<Function>> = const { RefCell::new(None) };
    }
    if let Some(class) = CLASS.with(|class| class.borrow().clone()) {
        return class;
    }
    let load = Function::new_with_args(
        "modules, make",
        "const urls = {};
         for (const [name, text] of modules) {
             const linked = text.replace(/(from |import\\()\"(\\.[^\"]*)\"/g, (_, by, at) => by + JSON.stringify(urls[at]));
             urls[name] = URL.createObjectURL(new Blob([linked], { type: 'text/javascript' }));
         }
         function Engine(...all) { return make(...all); }
         const storages = (globalThis.storages = []);
         return Promise.all([import(urls['./chat.js']), import(urls['./outbox.js'])]).then(([{ define }, { Outbox }]) => {
             const open = Outbox.open;
             Outbox.open = async (...all) => {
                 const storage = await open.apply(Outbox, all);
                 storages.push(storage);
                 return storage;
             };
             return define(() => {}, () => {}, Engine).AloChat;
         });",
    );
    let modules: Array = MODULES
        .iter()
        .map(|(name, text)| Array::of2(&(*name).into(), &(*text).into()))
        .collect();
    let make =
        Closure::<dyn Fn(JsValue, JsValue, JsValue, JsValue, JsValue, JsValue) -> JsValue>::new(
            |renewable: JsValue,
             outbox: JsValue,
             parallel: JsValue,
             host: JsValue,
             storage: JsValue,
             device: JsValue| {
                let count = |value: JsValue| value.as_f64().expect("a number") as u32;
                let storage =
                    (!storage.is_undefined()).then(|| storage.unchecked_into::<Storage>());
                let host: Host = host.unchecked_into();
                Engine::new(
                    renewable.is_truthy(),
                    count(outbox),
                    count(parallel),
                    host,
                    storage,
                    device,
                )
                .into()
            },
        );
    let class = load
        .call2(&JsValue::UNDEFINED, &modules, &make.into_js_value())
        .expect("the modules are there");
    let class: Function = settle(class.unchecked_into()).await.unchecked_into();
    CLASS.with(|held| held.replace(Some(class.clone())));
    class
}

/// A client with the events its listener received.
pub struct Person {
    pub chat: Chat,
    pub events: Events,
    _listener: Closure<dyn FnMut(JsValue)>,
}

impl Person {
    /// A person with a token for these channels.
    pub async fn new(name: &str, channels: &[&str]) -> Self {
        let token = token(name, channels).await;
        Self::with_token(&token.into()).await
    }

    /// A person whose `authToken` is this.
    pub async fn with_token(auth_token: &JsValue) -> Self {
        Self::with_outbox(auth_token, "memory").await
    }

    /// A person whose unsent messages are kept there.
    pub async fn with_outbox(auth_token: &JsValue, outbox: &str) -> Self {
        let options = object(&[
            ("endpoint", ENDPOINT.into()),
            ("authToken", auth_token.clone()),
            ("outbox", outbox.into()),
        ]);
        let class = chat_class().await;
        let chat: Chat = Reflect::construct(&class, &Array::of1(&options))
            .expect("good options")
            .unchecked_into();
        let (sender, receiver) = mpsc::unbounded();
        let listener = Closure::<dyn FnMut(JsValue)>::new(move |event| {
            // Nobody reads on at the end of a test.
            let _ = sender.unbounded_send(event);
        });
        chat.listen(listener.as_ref().unchecked_ref());
        Self {
            chat,
            events: Events(RefCell::new(receiver)),
            _listener: listener,
        }
    }

    /// A person who is subscribed to these channels.
    pub async fn listening(name: &str, channels: &[&str]) -> Self {
        let person = Self::new(name, channels).await;
        person.subscribe(channels).await;
        person
    }

    pub async fn subscribe(&self, channels: &[&str]) {
        let ids: Array = channels.iter().map(|id| JsValue::from_str(id)).collect();
        let arguments = object(&[("channelIds", ids.into())]);
        let result = settle(self.chat.subscribe(&arguments)).await;
        assert_ok(&result);
    }

    /// Sends text and returns the message.
    pub async fn say(&self, channel: &str, content: &str) -> JsValue {
        let result = settle(self.send(channel, content)).await;
        assert_ok(&result);
        get(&result, "response.message")
    }

    pub fn send(&self, channel: &str, content: &str) -> Promise {
        self.chat.send_message(&object(&[
            ("channelId", channel.into()),
            ("content", content.into()),
        ]))
    }

    /// Ends the storage that was opened last, as the end of its page does: what happens later is not written.
    pub fn end_storage(&self) {
        let end = Function::new_no_args("storages.at(-1).close()");
        end.call0(&JsValue::UNDEFINED).expect("storage was opened");
    }

    /// Ends the connection under the engine, as a network does.
    pub fn cut(&self) {
        SOCKETS.with(|sockets| {
            for socket in sockets.iter() {
                let close: Function = get(&socket, "close").unchecked_into();
                let _ = close.call1(&socket, &4_999.into());
            }
        });
    }
}

/// The events of one person, in order.
pub struct Events(RefCell<mpsc::UnboundedReceiver<JsValue>>);

impl Events {
    /// The data of the next event of this type; others are passed over.
    pub async fn next(&self, kind: &str) -> JsValue {
        loop {
            let next = std::future::poll_fn(|context| self.0.borrow_mut().poll_next_unpin(context));
            let event = within(next, kind).await.expect("the engine is alive");
            if text(&event, "type") == kind {
                return get(&event, "data");
            }
        }
    }

    /// The contents of the next `count` new messages.
    pub async fn contents(&self, count: usize) -> Vec<String> {
        let mut contents = Vec::new();
        while contents.len() < count {
            contents.push(text(&self.next("message.new").await, "message.content"));
        }
        contents
    }

    /// The types of all events dispatched so far and not yet read.
    pub fn pending(&self) -> Vec<JsValue> {
        let mut events = Vec::new();
        while let Ok(event) = self.0.borrow_mut().try_recv() {
            events.push(event);
        }
        events
    }
}

thread_local! {
    /// Every socket opened since the first call of [`watch_sockets`].
    static SOCKETS: Array = {
        let watch = Function::new_no_args(
            "const sockets = []; const Native = globalThis.WebSocket;
             globalThis.WebSocket = class extends Native {
                 constructor(...all) { super(...all); sockets.push(this); }
             };
             return sockets;",
        );
        watch.call0(&JsValue::UNDEFINED).expect("the watch starts").unchecked_into()
    };
}

/// Starts to note sockets, so that [`Person::cut`] finds them.
pub fn watch_sockets() {
    SOCKETS.with(|sockets| sockets.set_length(0));
}

/// A token for these channels, as an app's server gets it.
pub async fn token(name: &str, channels: &[&str]) -> String {
    let channels = channels
        .iter()
        .map(|id| format!("{id:?}"))
        .collect::<Vec<_>>()
        .join(",");
    let body = format!(r#"{{"ttl":5,"user":{{"id":{name:?}}},"channelIds":[{channels}]}}"#);
    let response = Request::post(&format!("{ENDPOINT}/v1/auth"))
        .header("Authorization", &format!("Bearer {API_KEY}"))
        .header("Content-Type", "application/json")
        .body(body)
        .expect("a request")
        .send()
        .await
        .expect("the gateway is there");
    let body = response.text().await.expect("a body");
    let token = text(&json(&body), "token");
    assert!(!token.is_empty(), "no token in {body}");
    token
}

/// A channel no other test uses.
pub fn fresh(name: &str) -> String {
    format!(
        "{name}-{:.0}-{:.0}",
        js_sys::Date::now(),
        js_sys::Math::random() * 1e9
    )
}

/// Waits for a promise of the SDK.
pub async fn settle(promise: Promise) -> JsValue {
    within(JsFuture::from(promise), "a promise")
        .await
        .expect("promises of the SDK never reject")
}

/// Waits for a future, but not for ever.
pub async fn within<T>(future: impl Future<Output = T>, what: &str) -> T {
    let timeout = Promise::new(&mut |resolve, _| {
        let set =
            Function::new_with_args("resolve", &format!("setTimeout(resolve, {PATIENCE_MS})"));
        set.call1(&JsValue::UNDEFINED, &resolve).expect("a timer");
    });
    match select(Box::pin(future), JsFuture::from(timeout)).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("waited {PATIENCE_MS} ms for {what}"),
    }
}

/// The value at a path of keys.
pub fn get(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, key| {
        Reflect::get(&value, &key.into()).unwrap_or(JsValue::UNDEFINED)
    })
}

/// The text at a path of keys; empty when there is none.
pub fn text(value: &JsValue, path: &str) -> String {
    get(value, path).as_string().unwrap_or_default()
}

pub fn json(text: &str) -> JsValue {
    js_sys::JSON::parse(text).expect("JSON")
}

pub fn stringify(value: &JsValue) -> String {
    js_sys::JSON::stringify(value).expect("JSON").into()
}

pub fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (key, value) in entries {
        Reflect::set(&object, &JsValue::from_str(key), value).expect("a plain object");
    }
    object.into()
}

pub fn assert_ok(result: &JsValue) {
    assert_eq!(
        get(result, "status.error"),
        JsValue::FALSE,
        "{}",
        stringify(result)
    );
}

/// Asserts a failure with this code and returns its message.
pub fn assert_error(result: &JsValue, code: &str) -> String {
    assert_eq!(
        get(result, "status.error"),
        JsValue::TRUE,
        "{}",
        stringify(result)
    );
    assert_eq!(
        text(result, "status.errorData.code"),
        code,
        "{}",
        stringify(result)
    );
    assert!(get(result, "response").is_undefined());
    text(result, "status.errorData.message")
}

/// A cell shared with a closure.
pub fn shared<T>(value: T) -> Rc<RefCell<T>> {
    Rc::new(RefCell::new(value))
}
