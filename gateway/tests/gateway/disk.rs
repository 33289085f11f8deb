//! The data folder: one gateway at a time, and one that starts although its disk is full.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{PROCESS_KEY, Process, SmallDisk, send};

#[tokio::test]
async fn a_second_gateway_on_a_folder_is_refused_until_the_first_has_ended() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Process::start(data.path()).await;
    let second = Command::new(env!("CARGO_BIN_EXE_alo-gateway"))
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    let folder = data.path().display().to_string();
    assert!(
        said.contains(&folder) && said.contains("another gateway"),
        "{said}"
    );
    // However it ends.
    first.child.kill().await.unwrap();
    Process::start(data.path()).await;
}

/// What is stored can be read on a full disk, and written as soon as there is room. Needs root, for the disk;
/// otherwise it prints so and passes.
#[tokio::test]
async fn a_gateway_starts_on_a_full_disk_and_reads() {
    for fresh_log in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let Some(_disk) = SmallDisk::mount(data.path(), "8m") else {
            eprintln!("not run: a small disk can only be mounted by root");
            return;
        };
        let mut process = Process::start(data.path()).await;
        let mut ada = process.connect("ada").await;
        for number in 0..20 {
            let reply = ada
                .call(
                    "message.send",
                    send(number, "a", "kept".repeat(500).as_str()),
                )
                .await;
            assert!(reply.get("result").is_some(), "{reply}");
        }
        process.child.kill().await.unwrap();
        if fresh_log {
            // As after a stop in good order: the files that SQLite needs beside the database are not there.
            rusqlite::Connection::open(data.path().join("chat.db"))
                .unwrap()
                .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
                .unwrap();
            for name in ["chat.db-wal", "chat.db-shm"] {
                let _ = fs::remove_file(data.path().join(name));
            }
        }
        fill(data.path());

        let mut process = Process::start(data.path()).await;
        let subscribed = json!({"channels": [{"id": "a"}]});
        let mut ada = process.connect("ada").await;
        let reply = ada.call("subscribe", subscribed).await;
        assert_eq!(reply["result"]["channels"][0]["cursor"]["seq"], 20);
        assert_eq!(history(&process).await, 20);
        let reply = ada
            .call("message.send", send(20, "a", &"x".repeat(60_000)))
            .await;
        assert_eq!(reply["error"]["code"], "storage-full", "{reply}");
        // What is known is answered, however full the disk is.
        let reply = ada
            .call("message.send", send(0, "a", "kept".repeat(500).as_str()))
            .await;
        assert_eq!(reply["result"]["message"]["seq"], 1, "{reply}");
        assert_eq!(history(&process).await, 20);

        fs::remove_file(data.path().join("filler")).unwrap();
        let reply = ada
            .call("message.send", send(20, "a", &"x".repeat(60_000)))
            .await;
        assert_eq!(reply["result"]["message"]["seq"], 21, "{reply}");
        // Until it has ended it has the folder.
        process.child.kill().await.unwrap();
        crate::support::check_integrity(&data.path().join("chat.db"));
        // The log goes on under its name: nothing was lost.
        let process = Process::start(data.path()).await;
        let mut ada = process.connect("ada").await;
        let reply = ada.call("message.send", send(21, "a", "x")).await;
        assert_eq!(reply["result"]["message"]["seq"], 22, "{reply}");
    }
}

/// Leaves no byte.
fn fill(folder: &Path) {
    use std::io::Write;
    let mut filler = fs::File::create(folder.join("filler")).unwrap();
    for size in [1 << 16, 1 << 10, 1] {
        while filler.write_all(&vec![1; size]).is_ok() {}
    }
}

async fn history(process: &Process) -> usize {
    let page: Value = reqwest::Client::new()
        .get(format!(
            "{}/channels/a/chat_messages?limit=100",
            process.endpoint
        ))
        .bearer_auth(PROCESS_KEY)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    page["messages"]
        .as_array()
        .unwrap_or_else(|| panic!("{page}"))
        .len()
}
