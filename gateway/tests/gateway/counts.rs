//! Counts of messages, over the event socket.

use serde_json::{Value, json};

use crate::support::{Running, Socket, key};

async fn send(socket: &mut Socket, number: u64, channel: &str) -> Value {
    let params = json!({"key": key(number), "channelId": channel, "content": "x"});
    let mut sent = socket.call("message.send", params).await;
    sent["result"]["message"].take()
}

fn at(message: &Value) -> u64 {
    message["timestamp"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn messages_of_many_channels_are_counted_at_once() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a", "b", "quiet"]).await;
    let first = send(&mut ada, 1, "a").await;
    let mut last = first.clone();
    for number in 2..5 {
        last = send(&mut ada, number, "a").await;
    }
    send(&mut ada, 5, "b").await;
    let params = json!({"channels": [
        {"channelId": "a", "timestamp": at(&first) - 1},
        {"channelId": "quiet", "timestamp": 0},
        {"channelId": "b", "timestamp": 0},
    ]});
    let counts = ada.call("counts", params).await;
    let expected = json!({"channels": [
        {"id": "a", "count": 4}, {"id": "quiet", "count": 0}, {"id": "b", "count": 1},
    ]});
    assert_eq!(counts["result"], expected);
    let params = json!({"channels": [{"channelId": "a", "timestamp": at(&last)}]});
    let counts = ada.call("counts", params).await;
    assert_eq!(counts["result"]["channels"][0]["count"], 0);
}

#[tokio::test]
async fn counts_are_for_who_may_read_every_channel_and_name_what_is_wrong() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let since =
        |channel: &str, timestamp: Value| json!({"channelId": channel, "timestamp": timestamp});
    let many: Vec<_> = (0..101).map(|n| since(&n.to_string(), 0.into())).collect();
    for (channels, code, word) in [
        (
            json!([since("a", 0.into()), since("c", 0.into())]),
            "channel-forbidden",
            "channelId",
        ),
        (json!(many), "invalid-argument", "100 channels"),
        (
            json!([since("a", 0.into()), since("a", 0.into())]),
            "invalid-argument",
            "twice",
        ),
        (
            json!([since("a", (-1).into())]),
            "invalid-argument",
            "params",
        ),
        (
            json!([since("a", "x".into())]),
            "invalid-argument",
            "params",
        ),
        (json!([since("", 0.into())]), "invalid-argument", "params"),
        (json!([7, null]), "invalid-argument", "params"),
        (json!({"a": 0}), "invalid-argument", "channels"),
    ] {
        let reply = ada.call("counts", json!({"channels": channels})).await;
        assert_eq!(reply["error"]["code"], code, "{reply}");
        let message = reply["error"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{word}: {message}");
    }
    let none = ada.call("counts", json!({"channels": []})).await;
    assert_eq!(none["result"], json!({"channels": []}));
}
