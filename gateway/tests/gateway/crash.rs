//! The gateway as a process, killed with SIGKILL in the midst of writes.

use std::time::Duration;

use alo_protocol::CloseCode;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Got, Process, Socket, check_integrity, key};

const ROUNDS: u64 = 4;
const PER_ROUND: u64 = 400;

/// What was answered is there after a kill, once and in the order of the log; what was not answered can
/// be sent again and is there once too.
#[tokio::test]
async fn nothing_answered_is_lost_when_the_process_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let mut answered: Vec<(u64, Value)> = Vec::new();
    for round in 0..ROUNDS {
        let mut process = Process::start(data.path()).await;
        let mut ada = process.connect("ada").await;
        let numbers = round * PER_ROUND..(round + 1) * PER_ROUND;
        let mut sent = Vec::new();
        for number in numbers.clone() {
            let params =
                json!({"key": key(number), "channelId": "a", "content": number.to_string()});
            sent.push((ada.request("message.send", params).await, number));
            if number % 200 == 199 && number + 1 < numbers.end {
                collect(&mut ada, &sent, &mut answered, 100).await;
            }
        }
        // Some are answered, some are on their way.
        collect(&mut ada, &sent, &mut answered, 50 + 40 * round).await;
        process.child.kill().await.unwrap();
        while let Got::Item(item) = ada.next().await {
            note(&item, &sent, &mut answered);
        }
        check_integrity(&data.path().join("chat.db"));
    }
    assert!(
        answered.len() < (ROUNDS * PER_ROUND) as usize,
        "the kills came too late"
    );

    let process = Process::start(data.path()).await;
    let mut ada = process.connect("ada").await;
    for number in 0..ROUNDS * PER_ROUND {
        let params = json!({"key": key(number), "channelId": "a", "content": number.to_string()});
        let reply = ada.call("message.send", params).await;
        let message = &reply["result"]["message"];
        if let Some((_, first)) = answered.iter().find(|(answered, _)| *answered == number) {
            assert_eq!(message, first, "the same message, to the letter");
        }
    }
    // The log from its beginning: every message once, no gap.
    let subscribed = ada
        .call("subscribe", json!({"channels": [{"id": "a"}]}))
        .await;
    let mut cursor = subscribed["result"]["channels"][0]["cursor"].clone();
    assert_eq!(cursor["seq"], ROUNDS * PER_ROUND);
    cursor["seq"] = json!(0);
    let mut bob = process.connect("bob").await;
    bob.resume(json!([{"id": "a", "cursor": cursor}])).await;
    let mut contents = Vec::new();
    for seq in 1..=ROUNDS * PER_ROUND {
        let push = bob.item().await;
        assert_eq!(push["seq"], seq);
        contents.push(
            push["event"]["data"]["message"]["content"]
                .as_str()
                .unwrap()
                .parse::<u64>()
                .unwrap(),
        );
    }
    contents.sort_unstable();
    assert_eq!(contents, (0..ROUNDS * PER_ROUND).collect::<Vec<_>>());
}

/// SIGTERM ends it in good order, soon, and with success.
#[tokio::test]
async fn a_process_told_to_stop_stops() {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::start(data.path()).await;
    let mut ada = process.connect("ada").await;
    let pid = process.child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );
    assert_eq!(ada.closed().await.0, CloseCode::Shutdown.code());
    let status = tokio::time::timeout(Duration::from_secs(20), process.child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{status}");
}

async fn collect(
    socket: &mut Socket,
    sent: &[(u64, u64)],
    answered: &mut Vec<(u64, Value)>,
    count: u64,
) {
    for _ in 0..count {
        let item = socket.item().await;
        note(&item, sent, answered);
    }
}

fn note(item: &Value, sent: &[(u64, u64)], answered: &mut Vec<(u64, Value)>) {
    let Some((_, number)) = sent.iter().find(|(id, _)| item["id"] == *id) else {
        return;
    };
    if let Some(message) = item["result"].get("message") {
        answered.push((*number, message.clone()));
    }
}
