//! What a user has read, on all devices.

use js_sys::{Function, eval};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

fn mark(channel: &str, message: &JsValue) -> JsValue {
    let id = get(message, "id");
    object(&[("channelId", channel.into()), ("messageId", id)])
}

async fn unread(person: &Person) -> JsValue {
    let counts = settle(person.chat.unread_counts(&JsValue::UNDEFINED)).await;
    assert_ok(&counts);
    get(&counts, "response.channels.0")
}

#[wasm_bindgen_test]
async fn a_mark_reaches_the_users_other_devices_also_across_a_reconnect() {
    watch_sockets();
    let channel = fresh("reads");
    let ada = Person::new("ada", &[&channel]).await;
    let mut messages = Vec::new();
    for number in 0..4 {
        messages.push(ada.say(&channel, &number.to_string()).await);
    }
    let bob = fresh("bob");
    let phone = Person::new(&bob, &[&channel]).await;
    let desk = Person::new(&bob, &[&channel]).await;
    assert_eq!(get(&unread(&phone).await, "count"), JsValue::from(4));
    assert_eq!(get(&unread(&desk).await, "count"), JsValue::from(4));

    let marked = settle(phone.chat.mark_read(&mark(&channel, &messages[1]))).await;
    assert_ok(&marked);
    for device in [&phone, &desk] {
        let read = device.events.next("read.updated").await;
        assert_eq!(stringify(&read), stringify(&get(&marked, "response")));
        assert_eq!(get(&read, "messageId"), get(&messages[1], "id"));
    }
    // An earlier one changes nothing, and is answered with the one that holds.
    let earlier = settle(desk.chat.mark_read(&mark(&channel, &messages[0]))).await;
    assert_eq!(stringify(&earlier), stringify(&marked));
    desk.cut();
    let later = settle(phone.chat.mark_read(&mark(&channel, &messages[2]))).await;
    assert_ok(&later);
    let read = desk.events.next("read.updated").await;
    assert_eq!(get(&read, "messageId"), get(&messages[2], "id"));
    let counted = unread(&desk).await;
    assert_eq!(get(&counted, "count"), JsValue::from(1));
    assert_eq!(get(&counted, "lastReadMessageId"), get(&messages[2], "id"));
    assert_eq!(
        get(&counted, "lastReadTimestamp"),
        get(&messages[2], "timestamp")
    );
}

#[wasm_bindgen_test]
async fn wrong_marks_are_refused_and_an_aborted_one_ends_at_once() {
    let channel = fresh("marks");
    let ada = Person::new("ada", &[&channel]).await;
    let message = ada.say(&channel, "0").await;
    for (options, code, name) in [
        ("({})", "invalid-argument", "channelId"),
        (
            "({ channelId: 'a', messageId: '7' })",
            "invalid-argument",
            "messageId",
        ),
    ] {
        let options = eval(options).expect("an argument");
        let refused = settle(ada.chat.mark_read(&options)).await;
        let message = assert_error(&refused, code);
        assert!(message.contains(name), "{message}");
    }
    for (options, name) in [
        ("({ channelIds: [] })", "channelIds"),
        ("({ channelIds: [''] })", "channelIds[0]"),
        ("7", "the argument"),
    ] {
        let options = eval(options).expect("an argument");
        let refused = settle(ada.chat.unread_counts(&options)).await;
        let message = assert_error(&refused, "invalid-argument");
        assert!(message.contains(name), "{message}");
    }
    let forbidden = mark(&fresh("forbidden"), &message);
    let refused = settle(ada.chat.mark_read(&forbidden)).await;
    assert_error(&refused, "channel-forbidden");
    // Without a connection the own log cannot be joined: the call waits for it.
    let never = Function::new_no_args("return new Promise(() => {})");
    let offline = Person::with_token(&never.into()).await;
    let controller = eval("new AbortController()").expect("a controller");
    let options = object(&[("signal", get(&controller, "signal"))]);
    let waits = offline.chat.unread_counts(&options);
    let abort: Function = get(&controller, "abort").unchecked_into();
    abort.call0(&controller).expect("it is aborted");
    assert_error(&settle(waits).await, "aborted");
}
