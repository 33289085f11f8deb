//! The event socket as a client that is not the SDK sees it.

use alo_protocol::{CloseCode, HELLO_BYTES};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{API_KEY, Running, error_of};

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
async fn stopping_closes_connections_with_a_reason() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let restarting = tokio::spawn(gateway.restart());
    assert_eq!(bob.closed().await.0, CloseCode::Shutdown.code());
    restarting.await.unwrap();
}

/// Whatever its token is: it is not verified.
#[tokio::test]
async fn a_hello_over_8_kib_is_closed() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    for (bytes, is_welcome) in [(HELLO_BYTES, true), (HELLO_BYTES + 1, false)] {
        let hello = |sdk: &str| json!({"hello": {"token": token, "sdk": sdk}}).to_string();
        let padding = bytes - hello("").len();
        let mut socket = gateway.socket().await;
        socket.send_text(&hello(&"x".repeat(padding))).await;
        if is_welcome {
            assert!(socket.item().await["welcome"].is_object());
        } else {
            let (code, reason) = socket.closed().await;
            assert_eq!(code, CloseCode::FrameTooLarge.code());
            assert_eq!(reason, CloseCode::FrameTooLarge.as_str());
        }
    }
}

/// Whoever holds a token can connect with it.
#[tokio::test]
async fn a_token_too_large_for_a_hello_is_not_issued() {
    let gateway = Running::start().await;
    let issue = |count: usize| {
        let channels: Vec<_> = (0..count).map(|id| format!("channel {id:03}")).collect();
        let body = json!({"user": {"id": "ada"}, "channelIds": channels});
        let request = gateway.http.post(gateway.url("/v1/auth"));
        request.bearer_auth(API_KEY).json(&body).send()
    };
    let refused = error_of(issue(1_000).await.unwrap()).await;
    assert_eq!((refused.0, &*refused.1), (400, "invalid-argument"));
    assert!(
        refused.2.starts_with("channelIds: the token would have"),
        "{}",
        refused.2
    );
    // The most that are granted are welcome.
    let mut largest = None;
    for count in (300..1_000).step_by(10) {
        let answer = issue(count).await.unwrap();
        if answer.status() != 200 {
            break;
        }
        let mut answer: serde_json::Value = answer.json().await.unwrap();
        largest = Some(answer["token"].take());
    }
    let token = largest.expect("300 channels are granted");
    let welcome = gateway.socket().await.hello(token.as_str().unwrap()).await;
    assert!(welcome.is_object());
}
