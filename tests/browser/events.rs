//! Listeners that call back.

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_listener_may_call_the_engine_and_order_is_kept() {
    let channel = fresh("reentrant");
    let ada = Person::listening("ada", &[&channel]).await;
    let seen = shared(Vec::new());
    let (note, chat, target) = (seen.clone(), ada.chat.clone(), channel.clone());
    let listener = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
        let content = text(&event, "data.message.content");
        if content == "ping" {
            let _ = chat.send_message(&object(&[
                ("channelId", target.as_str().into()),
                ("content", "pong".into()),
            ]));
        }
        note.borrow_mut().push(content);
    });
    ada.chat
        .listen_to("message.new", listener.as_ref().unchecked_ref());

    let bob = Person::listening("bob", &[&channel]).await;
    for content in ["ping", "ping", "end"] {
        bob.say(&channel, content).await;
    }
    let received = bob.events.contents(5).await;
    assert_eq!(
        received.iter().filter(|content| *content == "pong").count(),
        2,
        "{received:?}"
    );
    // All is delivered to ada as well.
    ada.events.contents(5).await;
    assert_eq!(*seen.borrow(), received, "two subscribers see one order");
}

#[wasm_bindgen_test]
async fn a_listener_that_throws_does_not_stop_the_engine() {
    let channel = fresh("throws");
    let ada = Person::listening("ada", &[&channel]).await;
    let thrower = Function::new_no_args("throw new Error('listener')");
    ada.chat.listen_to("message.new", &thrower);
    for _ in 0..3 {
        ada.say(&channel, "x").await;
    }
    assert_eq!(ada.events.contents(3).await, ["x", "x", "x"]);
}
