//! What happens when the network or the token goes.

use js_sys::Promise;
use wasm_bindgen::{JsValue, closure::Closure};
use wasm_bindgen_futures::future_to_promise;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn nothing_is_lost_twice_or_out_of_order_across_cuts() {
    watch_sockets();
    let channel = fresh("cuts");
    let ada = Person::listening("ada", &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let expected: Vec<_> = (0..60).map(|number| number.to_string()).collect();
    let mut promises = Vec::new();
    for (index, content) in expected.iter().enumerate() {
        promises.push(ada.send(&channel, content));
        if index % 20 == 10 {
            // Both persons' sockets, with sends unanswered.
            ada.cut();
        }
    }
    for promise in promises {
        assert_ok(&settle(promise).await);
    }
    assert_eq!(bob.events.contents(60).await, expected);
    assert_eq!(ada.events.contents(60).await, expected);
}

#[wasm_bindgen_test]
async fn the_states_of_the_connection_are_told() {
    watch_sockets();
    let ada = Person::new("ada", &["states"]).await;
    assert_ok(&settle(ada.chat.connect()).await);
    ada.events.next("status.connected").await;
    ada.cut();
    ada.events.next("status.disconnected").await;
    let data = ada.events.next("status.reconnecting").await;
    assert_eq!(get(&data, "attempt"), JsValue::from(1));
    assert!(get(&data, "delayMs").as_f64().is_some_and(|ms| ms <= 500.0));
    assert_eq!(text(&data, "cause.code"), "lost");
    assert!(text(&data, "cause.message").contains("4999"));
    assert!(get(&data, "hint").is_undefined());
    ada.events.next("status.connected").await;
}

#[wasm_bindgen_test]
async fn what_was_missed_while_disconnected_comes_after_connect() {
    let channel = fresh("resume");
    let ada = Person::new("ada", &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    assert_ok(&settle(bob.chat.disconnect()).await);
    for content in ["one", "two", "three"] {
        ada.say(&channel, content).await;
    }
    assert_ok(&settle(bob.chat.connect()).await);
    assert_eq!(bob.events.contents(3).await, ["one", "two", "three"]);
}

#[wasm_bindgen_test]
async fn disconnect_settles_what_is_open() {
    let never = Promise::new(&mut |_, _| {});
    let provider = Closure::<dyn FnMut() -> Promise>::new(move || never.clone());
    let ada = Person::with_token(provider.as_ref()).await;
    let open = [
        ada.chat.connect(),
        ada.send("a", "x"),
        ada.chat.subscribe(&json(r#"{"channelIds":["a"]}"#)),
    ];
    assert_ok(&settle(ada.chat.disconnect()).await);
    for promise in open {
        assert_error(&settle(promise).await, "disconnected");
    }
}

#[wasm_bindgen_test]
async fn a_token_function_is_asked_once_for_all_and_again_when_refused() {
    let channel = fresh("provider");
    let calls = shared(0);
    let (count, wanted) = (calls.clone(), channel.clone());
    let provider = Closure::<dyn FnMut() -> Promise>::new(move || {
        *count.borrow_mut() += 1;
        let (first, channel) = (*count.borrow() == 1, wanted.clone());
        future_to_promise(async move {
            Ok(if first {
                "not a token".into()
            } else {
                token("ada", &[&channel]).await.into()
            })
        })
    });
    let ada = Person::with_token(provider.as_ref()).await;
    let promises = [ada.send(&channel, "one"), ada.send(&channel, "two")];
    for promise in promises {
        assert_ok(&settle(promise).await);
    }
    assert_eq!(*calls.borrow(), 2);
}

#[wasm_bindgen_test]
async fn a_fixed_token_that_is_refused_ends_in_a_clear_error() {
    let ada = Person::with_token(&"no-token".into()).await;
    let result = settle(ada.send("a", "x")).await;
    assert!(assert_error(&result, "token-invalid").contains("authToken"));
    let failed = ada.events.next("status.failed").await;
    assert_eq!(text(&failed, "error.code"), "token-invalid");
}

#[wasm_bindgen_test]
async fn a_token_function_that_throws_ends_in_a_clear_error() {
    let provider = js_sys::Function::new_no_args("throw new Error('no session')");
    let ada = Person::with_token(&provider).await;
    let result = settle(ada.send("a", "x")).await;
    assert!(assert_error(&result, "token-unavailable").contains("no session"));
}
