//! Clients that mean no good, and a disk that is full.

use std::time::Duration;

use alo_protocol::CloseCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Process, Running, SmallDisk, Socket, is_served, key, token, upload_request};

/// Longer than the gateway waits for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

/// One that reads nothing at all: its queue is bounded, and after half a minute it is cut.
#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    bob.call("subscribe", json!({"channels": [{"id": "a"}]}))
        .await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    // More than the buffers between them hold.
    for number in 0..400_u64 {
        let params = json!({"key": key(number), "channelId": "a", "content": "x".repeat(60_000)});
        assert!(
            ada.call("message.send", params)
                .await
                .get("result")
                .is_some()
        );
    }
    let cut = async {
        loop {
            ada.call("unsubscribe", json!({"channelIds": []})).await;
            let metrics = gateway
                .http
                .get(gateway.url("/metrics"))
                .send()
                .await
                .unwrap();
            let metrics = metrics.text().await.unwrap();
            if metrics.contains("alo_closes_total{reason=\"recover\"} 1\n") {
                assert!(metrics.contains("alo_connections 1\n"), "{metrics}");
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    timeout(PATIENCE * 2, cut)
        .await
        .expect("the gateway cuts it");
    drop(bob);
}

#[tokio::test]
async fn ten_thousand_wrong_requests_are_answered_one_by_one() {
    let gateway = Running::start_in(TempDir::new().unwrap(), &["--unlimited"]).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let wrong = [
        json!({"method": "message.send", "params": {"key": 1}}),
        json!({"method": "message.send", "params": {"key": key(1), "channelId": "\u{0}", "content": "x"}}),
        json!({"method": "message.send", "params": []}),
        json!({"method": "subscribe", "params": {"channels": [{"id": "b"}]}}),
        json!({"method": "subscribe", "params": {"channels": "a"}}),
        json!({"method": "unsubscribe", "params": {"channelIds": [1, 2, 3]}}),
        json!({"method": "__proto__", "params": {"constructor": {"prototype": {}}}}),
        json!({"params": null}),
        json!({"method": "auth.refresh", "params": {"token": "e30.e30.e30"}}),
    ];
    for round in 0..100_u64 {
        let frames = (0..100).map(|index| {
            let id = round * 100 + index;
            let mut frame = wrong[usize::try_from(id).unwrap() % wrong.len()].clone();
            frame["id"] = json!(id);
            frame.to_string()
        });
        ada.send_texts(frames).await;
        for index in 0..100 {
            let item = ada.item().await;
            assert_eq!(item["id"], round * 100 + index);
            assert!(item["error"]["code"].is_string(), "{item}");
        }
    }
    is_served(&mut ada).await;
}

#[tokio::test]
async fn hundreds_of_sockets_that_speak_nonsense_harm_nobody() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for number in 0..300_u64 {
        let mut socket = gateway.socket().await;
        let frame = match number % 5 {
            0 => Message::text("{\"hello\":"),
            1 => Message::text(format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000))),
            2 => Message::binary(vec![0xff; 100]),
            3 => Message::text(json!({"hello": {"token": "x".repeat(10_000)}}).to_string()),
            _ => Message::text(json!({"hello": {"token": "a.b.c"}}).to_string()),
        };
        socket.send_raw(frame).await;
        let (code, reason) = socket.closed().await;
        assert!(code >= 1_000 && !reason.is_empty());
    }
    is_served(&mut ada).await;
}

/// A request that names a channel 23,824 times is refused before any work is done for it.
#[tokio::test]
async fn a_channel_named_thousands_of_times_costs_others_nothing() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let one = json!({"channels": [{"id": "a"}]});
    assert!(bob.call("subscribe", one).await["result"].is_object());
    let before = gateway.metric("alo_commit_seconds_count").await;
    let many = json!({"channels": vec![json!({"id": "a"}); 23_824 / 2]});
    for round in 0..50 {
        let id = bob.request("subscribe", many.clone()).await;
        let params = json!({"key": key(round), "channelId": "a", "content": "x"});
        let sent = ada.call("message.send", params).await;
        assert!(sent["result"].is_object(), "{sent}");
        let reply = loop {
            let item = bob.item().await;
            if item["id"] == id {
                break item;
            }
        };
        assert_eq!(reply["error"]["code"], "invalid-argument");
        let message = reply["error"]["message"].as_str().unwrap();
        assert!(message.contains("channels: a is named twice"), "{message}");
    }
    // The writing thread has made ada's commits and nothing else.
    assert_eq!(
        gateway.metric("alo_commit_seconds_count").await,
        before + 50
    );
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let process = Process::start_logged(data.path(), file.into()).await;
    let token = token(
        &process.endpoint,
        crate::support::PROCESS_KEY,
        "ada",
        &["a"],
    )
    .await;
    let mut ada = Socket::open(&process.endpoint).await;
    ada.hello(&token).await;
    let secret = "a secret nobody should read in a log";
    ada.call(
        "message.send",
        json!({"key": key(1), "channelId": "a", "content": secret}),
    )
    .await;
    ada.call("auth.refresh", json!({"token": [&token]})).await;
    // A frame that is malformed right at the token.
    let mut wrong = Socket::open(&process.endpoint).await;
    wrong.send_text(&json!({"hello": token}).to_string()).await;
    assert_eq!(wrong.closed().await.0, CloseCode::MalformedFrame.code());
    drop(process);
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("malformed"), "the log is not empty: {log}");
    assert!(
        !log.contains(&token) && !log.contains(secret),
        "a secret was logged"
    );
}

/// On a disk of a few megabytes: clear errors, nothing corrupted, and service continues when there is room.
/// Needs root, for the disk; otherwise it prints so and passes.
#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let data = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(data.path(), "24m") else {
        eprintln!("not run: a small disk can only be mounted by root");
        return;
    };
    let process = Process::start(data.path()).await;
    let http = reqwest::Client::new();
    let token = token(
        &process.endpoint,
        crate::support::PROCESS_KEY,
        "ada",
        &["a"],
    )
    .await;
    let upload =
        |size: usize| upload_request(&process.endpoint, &token, "eA==", vec![7; size]).send();
    let small = upload(1 << 20).await.unwrap();
    assert_eq!(small.status(), 201);
    let location = small.headers()["location"].to_str().unwrap().to_owned();

    let refused = crate::support::error_of(upload(40 << 20).await.unwrap()).await;
    assert_eq!((refused.0, &*refused.1), (507, "storage-full"));

    let mut ada: Socket = process.connect("ada").await;
    let mut stored = 0;
    let mut refusal = Value::Null;
    for number in 0..4_000_u64 {
        let params = json!({"key": key(number), "channelId": "a", "content": "x".repeat(60_000)});
        let reply = ada.call("message.send", params).await;
        if reply.get("error").is_some() {
            refusal = reply["error"].clone();
            break;
        }
        stored += 1;
    }
    assert_eq!(refusal["code"], "storage-full", "{refusal}");
    assert!(stored > 0);

    let address = format!("{}{location}", process.endpoint);
    let freed = http
        .delete(address)
        .bearer_auth(&token)
        .header("tus-resumable", "1.0.0")
        .send()
        .await
        .unwrap();
    assert!(
        freed.status().is_success() || freed.status() == 507,
        "{}",
        freed.status()
    );
    std::fs::remove_dir_all(data.path().join("files")).unwrap();
    std::fs::create_dir(data.path().join("files")).unwrap();
    let reply = ada
        .call(
            "message.send",
            json!({"key": key(9_999), "channelId": "a", "content": "room again"}),
        )
        .await;
    assert!(reply.get("result").is_some(), "{reply}");
    drop(process);
    crate::support::check_integrity(&data.path().join("chat.db"));
}
