//! Tokens: issued, accepted and refused.

use alo_protocol::CloseCode;
use serde_json::json;

use crate::support::{API_KEY, Running, error_of, key, send};

#[tokio::test]
async fn tokens_are_for_the_api_key_alone_and_never_cached() {
    let gateway = Running::start().await;
    let body = json!({"ttl": 5, "user": {"id": "ada"}, "channelIds": ["a"]});
    let ask = || gateway.http.post(gateway.url("/v1/auth")).json(&body);
    let response = ask().bearer_auth(API_KEY).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let missing = error_of(ask().send().await.unwrap()).await;
    assert_eq!((missing.0, &*missing.1), (401, "token-missing"));
    let wrong = error_of(ask().bearer_auth("wrong").send().await.unwrap()).await;
    assert_eq!((wrong.0, &*wrong.1), (401, "token-invalid"));
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
