//! Listeners that call back.

use std::rc::Rc;

use alo_chat::web::Engine;
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_listener_may_call_the_engine_and_order_is_kept() {
    let channel = fresh("reentrant");
    let token = token("ada", &[&channel]).await;
    let (seen, engine) = (shared(Vec::new()), shared(None::<Rc<Engine>>));
    let (note, back, target) = (seen.clone(), engine.clone(), channel.clone());
    let dispatch = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
        if text(&event, "type") != "message.new" {
            return;
        }
        let content = text(&event, "data.message.content");
        if content == "ping" {
            let arguments = object(&[
                ("channelId", target.as_str().into()),
                ("content", "pong".into()),
            ]);
            let engine = back.borrow().clone().expect("the engine is there");
            let _ = engine.send_message(&arguments);
        }
        note.borrow_mut().push(content);
    });
    let function: Function = dispatch.as_ref().unchecked_ref::<Function>().clone();
    let options = json(&format!(r#"{{"endpoint":"{ENDPOINT}"}}"#));
    let ada = Rc::new(Engine::new(options, &token.into(), function, None).expect("good options"));
    engine.replace(Some(ada.clone()));

    let bob = Person::listening("bob", &[&channel]).await;
    assert_ok(&settle(ada.subscribe(&json(&format!(r#"{{"channelIds":[{channel:?}]}}"#)))).await);
    for content in ["ping", "ping", "end"] {
        bob.say(&channel, content).await;
    }
    let heard = bob.events.contents(5).await;
    assert_eq!(
        heard.iter().filter(|content| *content == "pong").count(),
        2,
        "{heard:?}"
    );
    // One more round trip, so that all is delivered to ada as well.
    assert_ok(&settle(ada.subscribe(&json(&format!(r#"{{"channelIds":[{channel:?}]}}"#)))).await);
    let seen = seen.borrow().clone();
    assert_eq!(seen, heard[..seen.len()], "two subscribers see one order");
    engine.replace(None);
}

#[wasm_bindgen_test]
async fn a_listener_that_throws_does_not_stop_the_engine() {
    let channel = fresh("throws");
    let token = token("ada", &[&channel]).await;
    let thrower = Function::new_no_args("throw new Error('listener')");
    let options = json(&format!(r#"{{"endpoint":"{ENDPOINT}"}}"#));
    let ada = Engine::new(options, &token.into(), thrower, None).expect("good options");
    assert_ok(&settle(ada.subscribe(&json(&format!(r#"{{"channelIds":[{channel:?}]}}"#)))).await);
    for _ in 0..3 {
        let arguments = object(&[
            ("channelId", channel.as_str().into()),
            ("content", "x".into()),
        ]);
        assert_ok(&settle(ada.send_message(&arguments)).await);
    }
}
