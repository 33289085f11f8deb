//! Loading earlier messages.

use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// A person in a channel in which these were sent.
async fn with_messages(channel: &str, count: usize) -> Person {
    let person = Person::new("ada", &[channel]).await;
    for number in 0..count {
        person.say(channel, &number.to_string()).await;
    }
    person
}

fn options(channel: &str, more: &[(&str, JsValue)]) -> JsValue {
    let channel = ("channelId", JsValue::from(channel));
    object(&[[channel].as_slice(), more].concat())
}

fn contents(page: &JsValue) -> Vec<String> {
    let messages: Array = get(page, "response.messages").unchecked_into();
    messages
        .iter()
        .map(|message| text(&message, "content"))
        .collect()
}

#[wasm_bindgen_test]
async fn pages_go_from_the_newest_message_to_the_oldest_and_back() {
    let channel = fresh("pages");
    let ada = with_messages(&channel, 7).await;
    let limit = ("limit", JsValue::from(3));
    let newest = settle(
        ada.chat
            .fetch_history(&options(&channel, std::slice::from_ref(&limit))),
    )
    .await;
    assert_ok(&newest);
    assert_eq!(contents(&newest), ["6", "5", "4"]);
    assert!(get(&newest, "response.newerPageToken").is_undefined());

    let older = ("olderPageToken", get(&newest, "response.olderPageToken"));
    let second = settle(
        ada.chat
            .fetch_history(&options(&channel, &[limit.clone(), older])),
    )
    .await;
    assert_eq!(contents(&second), ["3", "2", "1"]);
    let older = ("olderPageToken", get(&second, "response.olderPageToken"));
    let last = settle(
        ada.chat
            .fetch_history(&options(&channel, &[limit.clone(), older])),
    )
    .await;
    assert_eq!(contents(&last), ["0"]);
    assert!(get(&last, "response.olderPageToken").is_undefined());

    let newer = ("newerPageToken", get(&second, "response.newerPageToken"));
    let back = settle(ada.chat.fetch_history(&options(&channel, &[limit, newer]))).await;
    assert_eq!(contents(&back), ["6", "5", "4"]);
}

#[wasm_bindgen_test]
async fn a_message_is_loaded_with_its_neighbours() {
    let channel = fresh("around");
    let ada = with_messages(&channel, 9).await;
    let page = settle(ada.chat.fetch_history(&options(&channel, &[]))).await;
    let id = get(&page, "response.messages.4.id");
    let around = [("messageId", id), ("limit", JsValue::from(2))];
    let around = settle(ada.chat.fetch_history_around(&options(&channel, &around))).await;
    assert_ok(&around);
    assert_eq!(contents(&around), ["6", "5", "4", "3", "2"]);
}

#[wasm_bindgen_test]
async fn wrong_pages_are_refused_and_named() {
    let (channel, other) = (fresh("tokens"), fresh("elsewhere"));
    let ada = Person::new("ada", &[&channel, &other]).await;
    for number in 0..3 {
        ada.say(&other, &number.to_string()).await;
    }
    let limit = ("limit", JsValue::from(1));
    let page = settle(ada.chat.fetch_history(&options(&other, &[limit]))).await;
    let foreign = get(&page, "response.olderPageToken");
    for (name, value) in [
        ("olderPageToken", foreign.clone()),
        ("newerPageToken", foreign),
        ("olderPageToken", "broken".into()),
        ("olderPageToken", 7.into()),
        ("limit", 0.into()),
        ("limit", 1_001.into()),
        ("limit", 1.5.into()),
        ("signal", object(&[])),
    ] {
        let result = settle(ada.chat.fetch_history(&options(&channel, &[(name, value)]))).await;
        let message = assert_error(&result, "invalid-argument");
        assert!(message.contains(name), "{name}: {message}");
    }
    let nothing = options(
        &channel,
        &[("messageId", "8e8a4e05-12e3-43b5-882e-d9711426f8e3".into())],
    );
    let result = settle(ada.chat.fetch_history_around(&nothing)).await;
    assert!(assert_error(&result, "message-not-found").contains("messageId"));
    let forbidden = settle(ada.chat.fetch_history(&options(&fresh("forbidden"), &[]))).await;
    assert_error(&forbidden, "channel-forbidden");
}

#[wasm_bindgen_test]
async fn a_page_waits_for_the_network_or_ends_by_its_signal() {
    let never = Function::new_no_args("return new Promise(() => {})");
    let ada = Person::with_token(&never).await;
    let abort = Function::new_no_args("return new AbortController()");
    let controller = abort.call0(&JsValue::UNDEFINED).expect("a controller");
    let waiting = ada
        .chat
        .fetch_history(&options("a", &[("signal", get(&controller, "signal"))]));
    let end: Function = get(&controller, "abort").unchecked_into();
    end.call0(&controller).expect("it aborts");
    assert_error(&settle(waiting).await, "aborted");
}

#[wasm_bindgen_test]
async fn every_message_is_walked_through_by_for_await() {
    let channel = fresh("walk");
    let ada = with_messages(&channel, 5).await;
    let walk = Function::new_with_args(
        "chat, options",
        "return (async () => {
             const contents = [];
             for await (const { content } of chat.history(options)) contents.push(content);
             return contents.join();
         })()",
    );
    let options = options(&channel, &[("limit", JsValue::from(2))]);
    let walked = walk
        .call2(&JsValue::UNDEFINED, &ada.chat, &options)
        .expect("a promise");
    let walked = settle(walked.unchecked_into::<Promise>()).await;
    assert_eq!(walked.as_string().as_deref(), Some("4,3,2,1,0"));
}

#[wasm_bindgen_test]
async fn a_page_and_the_events_after_it_are_the_channel() {
    let channel = fresh("join");
    let bob = with_messages(&channel, 4).await;
    let ada = Person::new("eve", &[&channel]).await;
    ada.subscribe(&[&channel]).await;
    let page = ada.chat.fetch_history(&options(&channel, &[]));
    for number in 4..8 {
        bob.say(&channel, &number.to_string()).await;
    }
    let page = settle(page).await;
    let mut seen: Vec<u64> = contents(&page)
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let events = ada.events.contents(4).await;
    seen.extend(events.iter().filter_map(|text| text.parse::<u64>().ok()));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..8).collect::<Vec<_>>());
    assert_eq!(
        get(&page, "response.messages.0.seq").as_f64(),
        Some(
            get(&page, "response.cursor.seq")
                .as_f64()
                .expect("a cursor")
        )
    );
}
