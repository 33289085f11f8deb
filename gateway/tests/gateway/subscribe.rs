//! Subscribing, and what follows a reconnect.

use serde_json::json;

use crate::support::{Running, send};

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
    bob.hello(&token).await;
    let channels = bob.resume(json!([{"id": "a", "cursor": cursor}])).await;
    assert_eq!(channels[0]["cursor"], cursor);
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
    bob.hello(&token).await;
    let channels = bob.resume(channels).await;
    assert_eq!(channels[0]["gap"], "epoch-changed");
    assert_eq!(channels[1]["error"]["code"], "channel-forbidden");
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
    bob.hello(&token).await;
    let channels = bob.resume(json!([{"id": "a", "cursor": cursor}])).await;
    assert_eq!(channels[0]["cursor"]["seq"], 1);
    assert_eq!(bob.item().await["seq"], 2);
    assert_eq!(
        bob.item().await,
        json!({"gap": {"id": "a", "cursor": head, "gap": "expired"}})
    );
    ada.call("message.send", send(5, "a", "after")).await;
    assert_eq!(bob.item().await["seq"], 5);
}
