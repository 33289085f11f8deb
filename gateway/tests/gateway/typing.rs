//! Who is typing.

use serde_json::{Value, json};

use crate::support::{Running, Socket, send};

/// A subscribed connection of a device.
async fn device(gateway: &Running, user: &str, device: &str) -> Socket {
    let token = gateway.token(user, &["a"]).await;
    let mut socket = gateway.socket().await;
    let hello = json!({"hello": {"token": token, "deviceId": device}});
    socket.send_text(&hello.to_string()).await;
    assert!(socket.item().await["welcome"].is_object());
    let params = json!({"channels": [{"id": "a"}]});
    assert!(socket.call("subscribe", params).await["result"].is_object());
    socket
}

fn typing(kind: &str, user: &str, device: &str) -> Value {
    let data = json!({"channelId": "a", "userId": user, "deviceId": device});
    json!({"signal": {"channel": "a", "event": {"type": kind, "data": data}}})
}

#[tokio::test]
async fn typing_reaches_others_and_the_users_other_devices_and_never_its_own() {
    let gateway = Running::start().await;
    let mut phone = device(&gateway, "ada", "phone").await;
    let mut desk = device(&gateway, "ada", "desk").await;
    let mut bob = device(&gateway, "bob", "phone").await;
    let params = json!({"channelId": "a"});
    assert_eq!(
        phone.call("typing.start", params.clone()).await["result"],
        json!({})
    );
    // However often it is called.
    assert_eq!(
        phone.call("typing.start", params.clone()).await["result"],
        json!({})
    );
    assert_eq!(phone.call("typing.stop", params).await["result"], json!({}));
    for socket in [&mut desk, &mut bob] {
        assert_eq!(socket.item().await, typing("typing.start", "ada", "phone"));
        assert_eq!(socket.item().await, typing("typing.stop", "ada", "phone"));
    }
    // Nothing came to the device itself: the answer is the next item.
    let reply = phone
        .call("unsubscribe", json!({"channelIds": ["a"]}))
        .await;
    assert_eq!(reply["result"], json!({}));
}

#[tokio::test]
async fn typing_ends_with_a_send_and_with_the_connection() {
    let gateway = Running::start().await;
    let mut ada = device(&gateway, "ada", "phone").await;
    let mut carl = device(&gateway, "carl", "phone").await;
    let mut bob = device(&gateway, "bob", "phone").await;
    ada.call("typing.start", json!({"channelId": "a"})).await;
    assert_eq!(bob.item().await, typing("typing.start", "ada", "phone"));
    ada.request("message.send", send(1, "a", "done")).await;
    assert_eq!(bob.item().await, typing("typing.stop", "ada", "phone"));
    assert_eq!(bob.item().await["event"]["type"], "message.new");
    carl.request("typing.start", json!({"channelId": "a"}))
        .await;
    assert_eq!(bob.item().await, typing("typing.start", "carl", "phone"));
    drop(carl);
    assert_eq!(bob.item().await, typing("typing.stop", "carl", "phone"));
}

#[tokio::test]
async fn who_vanishes_while_typing_stops_after_some_seconds() {
    let gateway = Running::start().await;
    let mut ada = device(&gateway, "ada", "phone").await;
    let mut bob = device(&gateway, "bob", "phone").await;
    ada.call("typing.start", json!({"channelId": "a"})).await;
    assert_eq!(bob.item().await, typing("typing.start", "ada", "phone"));
    // The connection stays, and nothing comes from it.
    assert_eq!(bob.item().await, typing("typing.stop", "ada", "phone"));
}

#[tokio::test]
async fn only_who_may_send_types_and_wrong_parameters_are_named() {
    let gateway = Running::start().await;
    let mut ada = device(&gateway, "ada", "phone").await;
    let mut bob = device(&gateway, "bob", "phone").await;
    for (params, code) in [
        (json!({"channelId": "other"}), "channel-forbidden"),
        (json!({"channelId": ""}), "invalid-argument"),
        (json!({"channelId": 7}), "invalid-argument"),
        (json!({}), "invalid-argument"),
    ] {
        for method in ["typing.start", "typing.stop"] {
            let error = &ada.call(method, params.clone()).await["error"];
            assert_eq!(error["code"], code, "{params}");
            let message = error["message"].as_str().unwrap();
            let is_named = message.starts_with("params: ") || message.starts_with("channelId: ");
            assert!(is_named, "{message}");
        }
    }
    let muted = gateway.http.put(gateway.url("/channels/a/mutes/ada"));
    let muted = muted.bearer_auth(crate::support::API_KEY).json(&json!({}));
    assert_eq!(muted.send().await.unwrap().status(), 204);
    let reply = ada.call("typing.start", json!({"channelId": "a"})).await;
    assert_eq!(reply["error"]["code"], "user-muted");
    bob.call("typing.start", json!({"channelId": "a"})).await;
    assert_eq!(ada.item().await, typing("typing.start", "bob", "phone"));
}

#[tokio::test]
async fn a_device_of_129_bytes_closes_the_connection() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    for device in ["d".repeat(129), String::new(), "a\nb".to_owned()] {
        let mut socket = gateway.socket().await;
        let hello = json!({"hello": {"token": token, "deviceId": device}});
        socket.send_text(&hello.to_string()).await;
        assert_eq!(socket.closed().await.1, "malformed-frame");
    }
}
