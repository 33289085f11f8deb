//! `backup`, `restore` and `check`, as an operator calls them.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    PROCESS_KEY, Process, check_integrity, send, token, upload_request, uploaded,
};

fn gateway(arguments: &[&str], data: &Path) -> Output {
    command(arguments, data).output().unwrap()
}

fn command(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alo-gateway"));
    command.args(arguments).arg("--data").arg(data);
    command.stdin(Stdio::null());
    command
}

fn succeeds(arguments: &[&str], data: &Path) {
    let output = gateway(arguments, data);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

fn fails(arguments: &[&str], data: &Path) -> String {
    let output = gateway(arguments, data);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// While messages are sent and uploads are cancelled: what was answered before the backup is in it.
#[tokio::test]
async fn a_backup_under_load_is_consistent_and_is_restored_as_a_new_life() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let process = Process::start(data.path()).await;
    let file = upload(&process).await;
    let mut ada = process.connect("ada").await;
    let with_file =
        json!({"key": crate::support::key(1), "channelId": "a", "content": "x", "fileIds": [file]});
    ada.call("message.send", with_file).await;
    let before = 50;
    for number in 2..=before {
        ada.call("message.send", send(number, "a", "before")).await;
    }
    let busy = tokio::spawn(async move {
        for number in before + 1.. {
            let sent = ada.call("message.send", send(number, "a", "meanwhile"));
            if tokio::time::timeout(Duration::from_secs(20), sent)
                .await
                .is_err()
            {
                break;
            }
        }
    });
    let to = place.path().join("backup");
    let (folder, target) = (data.path().to_owned(), to.clone());
    tokio::task::spawn_blocking(move || {
        succeeds(&["backup", "--to", target.to_str().unwrap()], &folder);
        succeeds(&["check"], &folder);
    })
    .await
    .unwrap();
    busy.abort();
    let mut bob = process.connect("bob").await;
    let subscribed = json!({"channels": [{"id": "a"}]});
    let cursor = bob.call("subscribe", subscribed).await["result"]["channels"][0]["cursor"].take();
    drop((process, bob));

    // The backup alone has everything, without any write-ahead log.
    fs::remove_dir_all(data.path()).unwrap();
    succeeds(&["check"], &to);
    let restored = place.path().join("restored");
    succeeds(&["restore", "--from", to.to_str().unwrap()], &restored);
    check_integrity(&restored.join("chat.db"));
    let process = Process::start(&restored).await;
    let mut bob = process.connect("bob").await;
    let resumed = json!({"channels": [{"id": "a", "cursor": cursor}]});
    let reply = bob.call("subscribe", resumed).await;
    let recovery = &reply["result"]["channels"][0];
    assert!(recovery["gap"].is_string(), "{recovery}");
    let page = bob
        .call("history", json!({"channelId": "a", "limit": 1000}))
        .await;
    let messages = page["result"]["messages"].as_array().unwrap();
    assert!(messages.len() as u64 >= before);
    let (seqs, last): (Vec<_>, _) = (
        messages
            .iter()
            .map(|message| message["seq"].as_u64().unwrap())
            .collect(),
        messages.len() as u64,
    );
    assert_eq!(seqs, (1..=last).rev().collect::<Vec<_>>());
    let (token, http) = (
        token(&process.endpoint, PROCESS_KEY, "bob", &["a"]).await,
        reqwest::Client::new(),
    );
    let request = http.get(format!("{}/v1/files/{file}", process.endpoint));
    let bytes = request.bearer_auth(token).send().await.unwrap();
    assert_eq!(bytes.bytes().await.unwrap(), "bytes".repeat(100_000));
}

/// Killed at any moment, the result is complete or is not restored.
#[tokio::test]
async fn a_backup_or_restore_that_is_killed_is_complete_or_refused() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let process = Process::start(data.path()).await;
    for _ in 0..30 {
        upload(&process).await;
    }
    drop(process);
    let whole = place.path().join("whole");
    succeeds(&["backup", "--to", whole.to_str().unwrap()], data.path());
    let (mut complete, mut refused, mut unfinished) = (0, 0, 0);
    for round in 0..24_u64 {
        let name = |what| place.path().join(format!("{what}-{round}"));
        let (to, restored) = (name("backup"), name("restored"));
        let arguments = ["backup", "--to", to.to_str().unwrap()];
        kill_after(command(&arguments, data.path()), round * 4);
        if to.join("backup.json").exists() {
            succeeds(&["restore", "--from", to.to_str().unwrap()], &restored);
            succeeds(&["check"], &to);
            complete += 1;
        } else if to.exists() {
            let said = fails(&["restore", "--from", to.to_str().unwrap()], &restored);
            assert!(said.contains("no complete backup"), "{said}");
            refused += 1;
        }
        // A restore: no gateway starts over half of one, and it can be repeated.
        let again = name("again");
        let arguments = ["restore", "--from", whole.to_str().unwrap()];
        kill_after(command(&arguments, &again), round * 4);
        if again.join("restoring").exists() {
            let said = fails(&["--listen", "127.0.0.1:0"], &again);
            assert!(said.contains("restore was interrupted"), "{said}");
            succeeds(&arguments, &again);
            unfinished += 1;
        } else if again.join("chat.db").exists() {
            let said = fails(&arguments, &again);
            assert!(said.contains("has a database already"), "{said}");
        } else {
            succeeds(&arguments, &again);
        }
        check_integrity(&again.join("chat.db"));
        // The witness is only there once a gateway has opened it.
        let said = fails(&["check"], &again);
        assert!(
            said.contains("1 problems") && said.contains("witness"),
            "{said}"
        );
    }
    assert!(
        refused > 0 && unfinished > 0,
        "{complete} {refused} {unfinished}: the kills came too late"
    );
}

#[tokio::test]
async fn what_is_missing_or_changed_is_found() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let process = Process::start(data.path()).await;
    let file = upload(&process).await;
    let second = upload(&process).await;
    drop(process);
    let to = place.path().join("backup");
    succeeds(&["backup", "--to", to.to_str().unwrap()], data.path());
    succeeds(&["check"], data.path());
    let twice = fails(&["backup", "--to", to.to_str().unwrap()], data.path());
    assert!(twice.contains("new or empty folder"), "{twice}");

    fs::remove_dir_all(data.path().join("files").join(&file)).unwrap();
    let said = fails(&["check"], data.path());
    assert!(said.contains(&file) && !said.contains(&second), "{said}");
    fs::remove_file(data.path().join("chat.witness")).unwrap();
    assert!(fails(&["check"], data.path()).contains("witness"));

    let restored = place.path().join("restored");
    let from = ["restore", "--from", to.to_str().unwrap()];
    fs::remove_dir_all(to.join("files").join(&file)).unwrap();
    assert!(fails(&from, &restored).contains("files are missing"));
    let mut bytes = fs::read(to.join("chat.db")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(to.join("chat.db"), bytes).unwrap();
    assert!(fails(&from, &place.path().join("other")).contains("database was changed"));
    assert!(!fails(&["check"], &place.path().join("nothing")).is_empty());
}

fn kill_after(mut command: Command, ms: u64) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A moment of the machine's choice is what the test is about.
    std::thread::sleep(Duration::from_millis(ms));
    let _ = child.kill();
    child.wait().unwrap();
}

async fn upload(process: &Process) -> String {
    let body = "bytes".repeat(100_000);
    let token = token(&process.endpoint, PROCESS_KEY, "ada", &["a"]).await;
    uploaded(upload_request(&process.endpoint, &token, "eA==", body)).await
}
