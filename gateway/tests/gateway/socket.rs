//! The event socket as a client that is not the SDK sees it.

use alo_protocol::CloseCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Running, key};

fn send(number: u64, channel: &str, content: &str) -> Value {
    json!({"key": key(number), "channelId": channel, "content": content})
}

#[tokio::test]
async fn a_message_reaches_subscribers_and_its_sender_is_answered() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a", "b"]).await;
    let subscribed = bob
        .call("subscribe", json!({"channels": [{"id": "a"}, {"id": "b"}]}))
        .await;
    assert_eq!(subscribed["result"]["channels"][1]["id"], "b");
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let reply = ada.call("message.send", send(1, "a", "hello")).await;
    let push = bob.item().await;
    assert_eq!(
        push["event"],
        json!({"type": "message.new", "data": reply["result"]})
    );
    assert_eq!((&push["channel"], &push["seq"]), (&json!("a"), &json!(1)));
    assert_eq!(
        push["epoch"],
        subscribed["result"]["channels"][0]["cursor"]["epoch"]
    );
}

#[tokio::test]
async fn every_request_is_checked_against_the_token() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for (method, params, code) in [
        ("message.send", send(1, "b", "x"), "channel-forbidden"),
        (
            "subscribe",
            json!({"channels": [{"id": "a"}, {"id": "b"}]}),
            "channel-forbidden",
        ),
        (
            "message.send",
            json!({"key": "no", "channelId": "a", "content": "x"}),
            "invalid-argument",
        ),
        (
            "message.send",
            json!({"key": key(1), "channelId": "", "content": "x"}),
            "invalid-argument",
        ),
        (
            "message.send",
            json!({"key": key(1), "channelId": "a"}),
            "invalid-argument",
        ),
        (
            "message.send",
            json!({"key": key(1), "channelId": "a", "content": "x", "metadata": []}),
            "invalid-argument",
        ),
        (
            "message.send",
            send(1, "a", &"x".repeat(65 * 1024)),
            "content-too-large",
        ),
        (
            "message.send",
            json!({"key": key(1), "channelId": "a", "content": "x", "fileIds": [key(2)]}),
            "file-not-found",
        ),
        ("no.such.method", json!({}), "unknown-method"),
        ("auth.refresh", json!({"token": "x"}), "token-invalid"),
    ] {
        let reply = ada.call(method, params).await;
        assert_eq!(reply["error"]["code"], code, "{reply}");
        assert!(reply["error"]["statusCode"].is_number() && reply["error"]["message"].is_string());
    }
    assert!(
        ada.call("message.send", send(1, "a", "still here"))
            .await
            .get("result")
            .is_some()
    );
}

#[tokio::test]
async fn frames_that_are_none_close_the_connection_with_a_reason() {
    let gateway = Running::start().await;
    for (frame, code) in [
        (Message::text("{"), CloseCode::MalformedFrame),
        (Message::text("[]"), CloseCode::MalformedFrame),
        (Message::text("null"), CloseCode::MalformedFrame),
        (
            Message::text(r#"{"id": -1, "method": "x"}"#),
            CloseCode::MalformedFrame,
        ),
        (
            Message::text("[".repeat(100_000)),
            CloseCode::MalformedFrame,
        ),
        (Message::binary(vec![1, 2, 3]), CloseCode::BinaryFrame),
        (
            Message::text("x".repeat(300 * 1024)),
            CloseCode::FrameTooLarge,
        ),
    ] {
        let mut socket = gateway.welcomed("ada", &["a"]).await;
        let shown = format!("{frame:?}").chars().take(60).collect::<String>();
        socket.send_raw(frame).await;
        let (closed, reason) = socket.closed().await;
        assert_eq!((closed, &*reason), (code.code(), code.as_str()), "{shown}");
    }
}

#[tokio::test]
async fn a_hello_that_is_not_accepted_closes_and_says_why() {
    let gateway = Running::start().await;
    for (frame, code) in [
        (json!({"hello": {"token": "x"}}), CloseCode::TokenInvalid),
        (
            json!({"id": 1, "method": "subscribe", "params": {}}),
            CloseCode::MalformedFrame,
        ),
    ] {
        let mut socket = gateway.socket().await;
        socket.send_text(&frame.to_string()).await;
        assert_eq!(socket.closed().await.0, code.code(), "{frame}");
    }
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_the_connection_stays() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let frames = (0..1_000).map(|number| {
        let params = send(number, "a", "x");
        json!({"id": number, "method": "message.send", "params": params}).to_string()
    });
    ada.send_texts(frames).await;
    let (mut stored, mut refused) = (0, 0);
    for _ in 0..1_000 {
        let item = ada.item().await;
        if item["result"].is_object() {
            stored += 1;
        } else {
            assert_eq!(item["error"]["code"], "too-many-requests");
            refused += 1;
        }
    }
    assert!(
        stored >= 256 && refused > 0,
        "{stored} stored, {refused} refused"
    );
}

#[tokio::test]
async fn what_was_missed_comes_after_a_reconnect_also_over_a_restart() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let subscribed = bob
        .call("subscribe", json!({"channels": [{"id": "a"}]}))
        .await;
    let cursor = subscribed["result"]["channels"][0]["cursor"].clone();
    drop(bob);
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for number in 1..=700 {
        ada.request("message.send", send(number, "a", &number.to_string()))
            .await;
        if number % 100 == 0 {
            for _ in 0..100 {
                assert!(ada.item().await.get("result").is_some());
            }
        }
    }
    drop(ada);
    let gateway = gateway.restart().await;
    let token = gateway.token("bob", &["a"]).await;
    let mut bob = gateway.socket().await;
    let welcome = bob
        .hello(&token, json!([{"id": "a", "cursor": cursor}]))
        .await;
    assert_eq!(welcome["channels"][0]["cursor"], cursor);
    for number in 1..=700 {
        let push = bob.item().await;
        assert_eq!(push["seq"], number);
        assert_eq!(
            push["event"]["data"]["message"]["content"],
            number.to_string()
        );
    }
    // A send of before is the same message still.
    let reply = bob.call("message.send", send(3, "a", "3")).await;
    assert_eq!(
        reply["error"]["code"], "idempotency-conflict",
        "the key is ada's"
    );
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let reply = ada.call("message.send", send(3, "a", "3")).await;
    assert_eq!(reply["result"]["message"]["content"], "3");
}

#[tokio::test]
async fn a_cursor_of_another_life_is_a_gap() {
    let gateway = Running::start().await;
    let token = gateway.token("bob", &["a"]).await;
    let mut bob = gateway.socket().await;
    let channels =
        json!([{"id": "a", "cursor": {"epoch": "other", "seq": 4}}, {"id": "b", "cursor": null}]);
    let welcome = bob.hello(&token, channels).await;
    assert_eq!(welcome["channels"][0]["gap"], "epoch-changed");
    assert_eq!(welcome["channels"][1]["error"]["code"], "channel-forbidden");
}

#[tokio::test]
async fn stopping_closes_connections_with_a_reason() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let restarting = tokio::spawn(gateway.restart());
    assert_eq!(bob.closed().await.0, CloseCode::Shutdown.code());
    restarting.await.unwrap();
}

/// An event is gone from the log: its subscriber learns of a gap and receives what comes after it.
#[tokio::test]
async fn a_hole_in_the_log_is_reported_and_does_not_end_the_connection() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for number in 1..=4 {
        ada.call("message.send", send(number, "a", "x")).await;
    }
    let params = json!({"channels": [{"id": "a"}]});
    let head = ada.call("subscribe", params).await["result"]["channels"][0]["cursor"].take();
    let removed = rusqlite::Connection::open(gateway.data().join("chat.db"))
        .unwrap()
        .execute("DELETE FROM events WHERE seq = 3", []);
    assert_eq!(removed.unwrap(), 1);
    let token = gateway.token("bob", &["a"]).await;
    let mut bob = gateway.socket().await;
    let cursor = json!({"epoch": head["epoch"], "seq": 1});
    let welcome = bob
        .hello(&token, json!([{"id": "a", "cursor": cursor}]))
        .await;
    assert_eq!(welcome["channels"][0]["cursor"]["seq"], 1);
    assert_eq!(bob.item().await["seq"], 2);
    assert_eq!(
        bob.item().await,
        json!({"gap": {"id": "a", "cursor": head, "gap": "expired"}})
    );
    ada.call("message.send", send(5, "a", "after")).await;
    assert_eq!(bob.item().await["seq"], 5);
}
