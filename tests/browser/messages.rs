//! Sending and receiving.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_message_reaches_both_with_its_metadata_to_the_letter() {
    let channel = fresh("metadata");
    let ada = Person::listening("ada", &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let metadata = r#"{"coordinates":"27.9881,86.9250","nested":{"list":[1,2.5,null,true,{"ключ":"値 🚀"}]},"__proto__":{"polluted":1},"constructor":"x","empty":{}}"#;
    let result = settle(ada.chat.send_message(&object(&[
        ("channelId", channel.as_str().into()),
        ("content", "<p>Hello, World!</p>".into()),
        ("metadata", json(metadata)),
    ])))
    .await;
    assert_ok(&result);
    for message in [
        get(&result, "response.message"),
        get(&ada.events.next("message.new").await, "message"),
        get(&bob.events.next("message.new").await, "message"),
    ] {
        assert_eq!(stringify(&get(&message, "metadata")), metadata);
        assert_eq!(text(&message, "content"), "<p>Hello, World!</p>");
        assert_eq!(text(&message, "userId"), "ada");
        assert_eq!(text(&message, "channelId"), channel);
        assert_eq!(text(&message, "id").len(), 36);
        assert!(text(&message, "timestamp").parse::<u64>().is_ok());
    }
    let fresh_object = json("{}");
    assert!(get(&fresh_object, "polluted").is_undefined());
}

#[wasm_bindgen_test]
async fn a_reply_carries_its_parent_and_the_root_of_the_chain() {
    let channel = fresh("reply");
    let ada = Person::new("ada", &[&channel]).await;
    let root = ada.say(&channel, "root").await;
    let mut parent = root.clone();
    for content in ["first", "second"] {
        let result = settle(ada.chat.send_message(&object(&[
            ("channelId", channel.as_str().into()),
            ("content", content.into()),
            ("parentId", get(&parent, "id")),
        ])))
        .await;
        assert_ok(&result);
        let reply = get(&result, "response.message");
        assert_eq!(text(&reply, "parent.id"), text(&parent, "id"));
        assert_eq!(text(&reply, "parent.content"), text(&parent, "content"));
        assert_eq!(text(&reply, "rootMessageId"), text(&root, "id"));
        parent = reply;
    }
}

#[wasm_bindgen_test]
async fn a_reply_to_nothing_says_so() {
    let channel = fresh("orphan");
    let ada = Person::new("ada", &[&channel]).await;
    let result = settle(ada.chat.send_message(&object(&[
        ("channelId", channel.as_str().into()),
        ("content", "x".into()),
        ("parentId", "8e8a4e05-12e3-43b5-882e-d9711426f8e3".into()),
    ])))
    .await;
    assert!(assert_error(&result, "message-not-found").contains("parentId"));
    assert_eq!(
        get(&result, "status.errorData.statusCode"),
        JsValue::from(404)
    );
}

#[wasm_bindgen_test]
async fn a_thousand_pipelined_sends_arrive_once_and_in_order() {
    let channel = fresh("pipeline");
    let ada = Person::new("ada", &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let expected: Vec<_> = (0..1_000).map(|number| number.to_string()).collect();
    let promises: Vec<_> = expected
        .iter()
        .map(|content| ada.send(&channel, content))
        .collect();
    assert_eq!(bob.events.contents(1_000).await, expected);
    for promise in promises {
        assert_ok(&settle(promise).await);
    }
}

#[wasm_bindgen_test]
async fn the_largest_content_passes_and_a_larger_one_is_refused() {
    let channel = fresh("size");
    let ada = Person::new("ada", &[&channel]).await;
    let largest = "é".repeat(32 * 1024);
    assert_eq!(text(&ada.say(&channel, &largest).await, "content"), largest);
    for size in [64 * 1024 + 1, 1024 * 1024] {
        let result = settle(ada.send(&channel, &"x".repeat(size))).await;
        assert!(
            assert_error(&result, "content-too-large").contains("content"),
            "{size}"
        );
    }
    ada.say(&channel, "still there").await;
}

#[wasm_bindgen_test]
async fn a_channel_the_token_does_not_open_is_forbidden() {
    let channel = fresh("forbidden");
    let ada = Person::new("ada", &["other"]).await;
    assert!(
        assert_error(&settle(ada.send(&channel, "x")).await, "channel-forbidden")
            .contains(&channel)
    );
    let ids = json(&format!(r#"{{"channelIds":["other",{channel:?}]}}"#));
    assert_error(&settle(ada.chat.subscribe(&ids)).await, "channel-forbidden");
}

#[wasm_bindgen_test]
async fn an_unsubscribed_channel_is_quiet() {
    let (left, kept) = (fresh("left"), fresh("kept"));
    let ada = Person::new("ada", &[&left, &kept]).await;
    let bob = Person::listening("bob", &[&left, &kept]).await;
    let ids = json(&format!(r#"{{"channelIds":[{left:?}]}}"#));
    assert_ok(&settle(bob.chat.unsubscribe(&ids)).await);
    ada.say(&left, "unheard").await;
    ada.say(&kept, "heard").await;
    assert_eq!(bob.events.contents(1).await, ["heard"]);
}
