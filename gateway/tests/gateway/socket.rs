//! The event socket as a client that is not the SDK sees it.

use alo_protocol::CloseCode;
use tokio_tungstenite::tungstenite::Message;

use crate::support::Running;

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
