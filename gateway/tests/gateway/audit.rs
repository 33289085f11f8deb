//! The audit log of a gateway that runs as a program.

use std::{fs, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{PROCESS_KEY, Process, Socket, eventually, token};

#[tokio::test]
async fn what_is_refused_and_changed_is_in_the_audit_log_and_no_secret_is() {
    const WRONG: &str = "hunter2 hunter2 hunter2 hunter2 hunter2";
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("audit.log");
    let data = folder.path().join("data");
    let flags = [
        "--api-key",
        PROCESS_KEY,
        "--audit-log",
        file.to_str().unwrap(),
    ];
    let gateway = Process::start_with(&data, &flags, Stdio::null()).await;
    let http = reqwest::Client::new();
    let ban = |key: &'static str| {
        http.put(format!("{}/channels/a/bans/ada", gateway.endpoint))
            .bearer_auth(key)
            .json(&json!({"reason": "spam"}))
            .send()
    };
    for _ in 0..70 {
        assert_eq!(ban(WRONG).await.unwrap().status(), 401);
    }
    assert_eq!(ban(PROCESS_KEY).await.unwrap().status(), 204);
    let token = token(&gateway.endpoint, PROCESS_KEY, "ada", &["a"]).await;
    let forged = format!("{token}x");
    let mut socket = Socket::open(&gateway.endpoint).await;
    socket
        .send_text(&json!({"hello": {"token": forged}}).to_string())
        .await;
    socket.closed().await;
    gateway.hang_up();

    let lines = || -> Vec<Value> {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap_or_default()
    };
    let of = |kind: &str| -> Vec<Value> {
        let lines = lines().into_iter();
        lines.filter(|line| line["kind"] == kind).collect()
    };
    // All of a kind are written or counted.
    eventually(async || {
        let left_out = of("left-out")
            .iter()
            .filter(|line| line["of"] == "key-refused")
            .filter_map(|line| line["lines"].as_u64())
            .sum::<u64>();
        of("key-refused").len() as u64 + left_out == 70
            && !of("keys-loaded").is_empty()
            && !of("token-refused").is_empty()
    })
    .await;
    let banned = &of("banned")[0];
    assert_eq!(
        (&banned["user"], &banned["channel"]),
        (&json!("ada"), &json!("a"))
    );
    assert_eq!(
        (&banned["key"], &banned["reason"]),
        (&json!("default"), &json!("spam"))
    );
    assert_eq!(banned["target"], "audit");
    assert!(banned["timestamp"].is_string());
    assert_eq!(of("key-refused")[0]["address"], "127.0.0.1");
    let text = fs::read_to_string(&file).unwrap();
    for secret in ["hunter2", PROCESS_KEY, &token] {
        let quoted = format!("\"{secret}\"");
        assert!(!text.contains(&quoted) && !text.contains(WRONG), "{secret}");
    }
}
