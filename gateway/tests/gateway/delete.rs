//! Erasing messages, channels and users, and retention.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use alo_gateway::store::{Change, Draft, Opening, SqliteStore, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    API_KEY, PROCESS_KEY, Process, Running, error_of, send, upload_request, uploaded,
};

/// The whole data folder is searched: the database with its write-ahead log, free pages and the unused parts of
/// pages, and the files.
#[tokio::test]
async fn after_an_erasure_no_byte_of_the_content_is_in_the_folder() {
    let data = TempDir::new().unwrap();
    fill(&data.path().join("chat.db"));
    assert!(found(data.path(), "MARK-TEXT"));
    let gateway = Running::start_in(data, &[]).await;
    let folder = gateway.data().to_owned();

    // A message with a file, to which another replies.
    let token = gateway.token("eve", &["a"]).await;
    let file = upload(&gateway, &token).await;
    let mut eve = gateway.welcomed("eve", &["a"]).await;
    let sent = eve
        .call(
            "message.send",
            json!({"key": key(1), "channelId": "a", "content": "MARK-SENT", "fileIds": [file],
                "metadata": {"MARK-KEY": "MARK-VALUE"}}),
        )
        .await;
    let message = sent["result"]["message"]["id"].as_str().unwrap().to_owned();
    let reply = json!({"key": key(2), "channelId": "a", "content": "a reply", "parentId": message});
    let reply = eve.call("message.send", reply).await;
    assert_eq!(reply["result"]["message"]["parent"]["content"], "MARK-SENT");
    let marks = [
        "MARK-SENT",
        "MARK-KEY",
        "MARK-VALUE",
        "MARK-NAME",
        "MARK-BYTES",
    ];
    for mark in marks {
        assert!(found(&folder, mark), "{mark}");
    }
    delete(&gateway, &format!("/channels/a/chat_messages/{message}")).await;
    for mark in marks {
        assert!(!found(&folder, mark), "{mark}");
    }
    let gone = gateway.http.get(gateway.url(&format!("/v1/files/{file}")));
    let gone = gone.bearer_auth(&token).send().await.unwrap();
    assert_eq!(gone.status(), 404);

    // A channel.
    assert!(found(&folder, "MARK-CHANNEL-7"));
    delete(&gateway, "/channels/c7").await;
    assert!(!found(&folder, "MARK-CHANNEL-7"));
    assert!(found(&folder, "MARK-CHANNEL-8"));

    // A user, with an upload that belongs to no message.
    let token = gateway.token("MARK-USER", &["a"]).await;
    upload(&gateway, &token).await;
    let mut reader = gateway.welcomed("MARK-USER", &["a"]).await;
    let params = json!({"channelId": "a", "messageId": reply["result"]["message"]["id"]});
    let marked = reader.call("read.mark", params).await;
    assert!(marked["result"].is_object(), "{marked}");
    let mute = gateway.url("/channels/a/mutes/MARK-USER");
    let mute = gateway.http.put(mute).bearer_auth(API_KEY);
    let mute = mute.json(&json!({"reason": "MARK-REASON"})).send().await;
    assert!(mute.unwrap().status().is_success());
    assert!(found(&folder, "MARK-USER") && found(&folder, "MARK-BYTES"));
    assert!(found(&folder, "MARK-REASON"));
    delete(&gateway, "/users/MARK-USER").await;
    assert!(!found(&folder, "MARK-REASON"));
    for mark in ["MARK-USER", "MARK-TEXT", "MARK-NAME", "MARK-BYTES"] {
        assert!(!found(&folder, mark), "{mark}");
    }
    assert!(found(&folder, "of another"));
    crate::support::check_integrity(&folder.join("chat.db"));
}

/// Readers learn of it, live and in a replay, and the message does not come back.
#[tokio::test]
async fn a_deleted_message_is_reported_and_does_not_come_back() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        let reply = ada.call("message.send", send(number, "a", "text")).await;
        let id = &reply["result"]["message"]["id"];
        ids.push(id.as_str().unwrap().to_owned());
    }
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let subscribed = json!({"channels": [{"id": "a"}]});
    let mut cursor =
        bob.call("subscribe", subscribed).await["result"]["channels"][0]["cursor"].take();
    delete(&gateway, &format!("/channels/a/chat_messages/{}", ids[1])).await;
    let expected = json!({
        "type": "message.deleted",
        "data": {"channelId": "a", "messageId": ids[1], "messageSeq": 2},
    });
    let push = bob.item().await;
    assert_eq!((&push["seq"], &push["event"]), (&json!(4), &expected));

    cursor["seq"] = json!(1);
    let mut carl = gateway.welcomed("carl", &["a"]).await;
    let resumed = json!({"channels": [{"id": "a", "cursor": cursor}]});
    let reply = carl.call("subscribe", resumed).await;
    assert!(reply["result"]["channels"][0].get("gap").is_none());
    let replay = [carl.item().await, carl.item().await, carl.item().await];
    assert_eq!(
        replay.each_ref().map(|push| push["seq"].as_u64().unwrap()),
        [2, 3, 4]
    );
    assert_eq!(
        (&replay[0]["event"], &replay[2]["event"]),
        (&expected, &expected)
    );
    let page = carl
        .call("history", json!({"channelId": "a", "limit": 10}))
        .await;
    let shown = page["result"]["messages"].as_array().unwrap();
    assert_eq!(shown.len(), 2);

    let again = ada.call("message.send", send(2, "a", "text")).await;
    assert_eq!(again["error"]["code"], "gone");
    assert_eq!(again["error"]["statusCode"], 410);
    // Once more is no error, and no other event.
    delete(&gateway, &format!("/channels/a/chat_messages/{}", ids[1])).await;
    let page = carl
        .call("history", json!({"channelId": "a", "limit": 10}))
        .await;
    assert_eq!(page["result"]["cursor"]["seq"], 4);
}

#[tokio::test]
async fn readers_of_an_erased_channel_get_a_gap_and_read_on() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for number in 1..=3 {
        ada.call("message.send", send(number, "a", "text")).await;
    }
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let subscribed = json!({"channels": [{"id": "a"}]});
    let cursor = bob.call("subscribe", subscribed).await["result"]["channels"][0]["cursor"].take();
    delete(&gateway, "/channels/a").await;
    let gap = bob.item().await;
    assert_eq!(gap["gap"]["gap"], "expired", "{gap}");
    assert_eq!(gap["gap"]["cursor"]["seq"], 4);
    let mut carl = gateway.welcomed("carl", &["a"]).await;
    let resumed = json!({"channels": [{"id": "a", "cursor": cursor}]});
    carl.call("subscribe", resumed).await;
    assert_eq!(carl.item().await["gap"]["gap"], "expired");
    let page = carl
        .call("history", json!({"channelId": "a", "limit": 10}))
        .await;
    assert_eq!(page["result"]["messages"], json!([]));
    ada.call("message.send", send(4, "a", "text")).await;
    for reader in [&mut bob, &mut carl] {
        assert_eq!(reader.item().await["seq"], 5);
    }
}

#[tokio::test]
async fn only_the_platform_erases_and_what_is_wrong_is_named() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    for path in [
        "/channels/a",
        "/users/ada",
        &format!("/channels/a/chat_messages/{}", key(1)),
    ] {
        let request = gateway.http.delete(gateway.url(path)).bearer_auth(&token);
        let refused = error_of(request.send().await.unwrap()).await;
        assert_eq!((refused.0, &*refused.1), (401, "token-invalid"), "{path}");
    }
    for (path, status, named) in [
        ("/channels/a/chat_messages/x".to_owned(), 400, "message_id"),
        (format!("/channels/{}", "x".repeat(300)), 400, "channel_id"),
        (format!("/users/{}", "x".repeat(300)), 400, "user_id"),
        (
            format!("/channels/a/chat_messages/{}", key(1)),
            404,
            "messageId",
        ),
    ] {
        let request = gateway.http.delete(gateway.url(&path)).bearer_auth(API_KEY);
        let refused = error_of(request.send().await.unwrap()).await;
        assert_eq!(refused.0, status, "{path}");
        assert!(refused.2.contains(named), "{}", refused.2);
    }
}

/// Old messages are removed while others are sent.
#[tokio::test]
async fn what_is_older_than_it_may_be_kept_is_removed() {
    let data = TempDir::new().unwrap();
    fill(&data.path().join("chat.db"));
    let process = Process::start_with(
        data.path(),
        &["--api-key", PROCESS_KEY, "--retain", "1h"],
        Stdio::null(),
    )
    .await;
    let mut ada = process.connect("ada").await;
    let sent = ada.call("message.send", send(1, "a", "kept")).await;
    assert!(sent.get("result").is_some(), "{sent}");
    // What was filled in is of the year 1970.
    let started = Instant::now();
    while found(data.path(), "MARK-") {
        assert!(started.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = ada
        .call("history", json!({"channelId": "a", "limit": 10}))
        .await;
    let shown = page["result"]["messages"].as_array().unwrap();
    assert_eq!(shown.len(), 1, "{page}");
    assert_eq!(shown[0]["content"], "kept");
    drop(process);
    crate::support::check_integrity(&data.path().join("chat.db"));
}

/// Messages of many channels, in an order and of sizes that let rows move between pages.
fn fill(path: &Path) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut store = SqliteStore::open(path, &Opening::new(false)).unwrap();
    for _ in 0..200 {
        let drafts = (0..20).map(|_| {
            let channel = random.u32(..40);
            let is_marked = random.u8(..4) == 0;
            let text = if is_marked { "MARK-TEXT" } else { "of another" };
            Change::Send(Draft {
                id: random_id(&mut random),
                key: random_id(&mut random),
                channel: format!("c{channel}").parse().unwrap(),
                user_id: if is_marked { "MARK-USER" } else { "bob" }.into(),
                content: format!(
                    "{text} MARK-CHANNEL-{channel} {}",
                    "x".repeat(random.usize(..600))
                ),
                metadata: None,
                parent_id: None,
                file_ids: Vec::new(),
                now_ms: 1,
            })
        });
        let drafts = drafts.collect();
        assert!(store.commit(drafts).iter().all(Result::is_ok));
    }
}

fn random_id(random: &mut fastrand::Rng) -> alo_protocol::Uuid {
    alo_protocol::Uuid::from_bytes(random.u128(..).to_be_bytes())
}

fn key(number: u64) -> String {
    crate::support::key(1_000 + number)
}

/// Whether a file of the folder has the text in its bytes or its name.
fn found(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        // One that is removed meanwhile has nothing.
        let Ok(entry) = entry else { return false };
        let path = entry.path();
        let has = |bytes: &[u8]| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        if has(entry.file_name().as_encoded_bytes()) {
            return true;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found(&path, text),
            Ok(_) => fs::read(&path).is_ok_and(|bytes| has(&bytes)),
            Err(_) => false,
        }
    })
}

async fn upload(gateway: &Running, token: &str) -> String {
    use base64::Engine;
    let name = base64::engine::general_purpose::STANDARD.encode("MARK-NAME");
    let body = "MARK-BYTES".repeat(10_000);
    uploaded(upload_request(&gateway.endpoint, token, &name, body)).await
}

async fn delete(gateway: &Running, path: &str) {
    let request = gateway.http.delete(gateway.url(path)).bearer_auth(API_KEY);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert_eq!(status, 204, "{path}: {}", answer.text().await.unwrap());
}
