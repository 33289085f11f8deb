//! People who chat, and what they saw.

use std::{cell::RefCell, rc::Rc};

use alo_chat::web::{Engine, Outbox};
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
    None => "alo-test-key",
};

/// How long anything may take before the test fails.
const PATIENCE_MS: u32 = 30_000;

/// An engine with the events it has dispatched.
pub struct Person {
    pub engine: Engine,
    pub events: Events,
    _dispatch: Closure<dyn FnMut(JsValue)>,
}

impl Person {
    /// A person with a token for these channels.
    pub async fn new(name: &str, channels: &[&str]) -> Self {
        let token = token(name, channels).await;
        Self::with_token(&token.into())
    }

    /// A person whose `authToken` is this.
    pub fn with_token(auth_token: &JsValue) -> Self {
        Self::with_outbox(auth_token, None)
    }

    /// A person whose unsent messages are kept here.
    pub fn with_outbox(auth_token: &JsValue, outbox: Option<Outbox>) -> Self {
        let (sender, receiver) = mpsc::unbounded();
        let dispatch = Closure::<dyn FnMut(JsValue)>::new(move |event| {
            // Nobody reads on at the end of a test.
            let _ = sender.unbounded_send(event);
        });
        let options = json(&format!(r#"{{"endpoint":"{ENDPOINT}"}}"#));
        let function: Function = dispatch.as_ref().unchecked_ref::<Function>().clone();
        let engine = Engine::new(options, auth_token, function, outbox).expect("good options");
        Self {
            engine,
            events: Events(RefCell::new(receiver)),
            _dispatch: dispatch,
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
        let result = settle(self.engine.subscribe(&arguments)).await;
        assert_ok(&result);
    }

    /// Sends text and gives the message.
    pub async fn say(&self, channel: &str, content: &str) -> JsValue {
        let result = settle(self.send(channel, content)).await;
        assert_ok(&result);
        get(&result, "response.message")
    }

    pub fn send(&self, channel: &str, content: &str) -> Promise {
        self.engine.send_message(&object(&[
            ("channelId", channel.into()),
            ("content", content.into()),
        ]))
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
