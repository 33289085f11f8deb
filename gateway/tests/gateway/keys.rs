//! API keys by name and right, secrets by `kid`, and how both are replaced.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use alo_protocol::CloseCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{API_KEY, Process, Running, error_of, key, token};

/// A key for tests, of 32 bytes.
fn long(name: &str) -> String {
    format!("{name:*>32}")
}

fn write_keys(path: &Path, content: &Value) {
    fs::write(path, content.to_string()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_key_may_do_what_its_right_says_and_no_more() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys.json");
    write_keys(
        &file,
        &json!({"apiKeys": [
            {"name": "web", "key": long("web"), "right": "auth"},
            {"name": "bot", "key": long("bot"), "right": "platform"},
        ]}),
    );
    let flags = ["--keys", file.to_str().unwrap()];
    let gateway = Running::start_in(TempDir::new().unwrap(), &flags).await;
    for api_key in [API_KEY, &long("web"), &long("bot")] {
        token(&gateway.endpoint, api_key, "ada", &["a"]).await;
    }
    let send = |api_key: String, number: u64| {
        gateway
            .http
            .put(gateway.url("/channels/a/chat_messages"))
            .header("Idempotency-Key", key(number))
            .bearer_auth(api_key)
            .json(&json!({"user_id": "ada", "content": "x"}))
            .send()
    };
    for (number, api_key) in [API_KEY.to_owned(), long("bot")].into_iter().enumerate() {
        assert_eq!(send(api_key, number as u64).await.unwrap().status(), 200);
    }
    let (status, code, message) = error_of(send(long("web"), 9).await.unwrap()).await;
    assert_eq!((status, &*code), (403, "key-forbidden"));
    assert!(
        message.contains("\"web\"") && !message.contains('*'),
        "{message}"
    );
    let erase = |api_key: &str| {
        let request = gateway.http.delete(gateway.url("/channels/b"));
        request.bearer_auth(api_key).send()
    };
    let (status, code, _) = error_of(erase(&long("bot")).await.unwrap()).await;
    assert_eq!((status, &*code), (403, "key-forbidden"));
    assert_eq!(erase(API_KEY).await.unwrap().status(), 204);
    let (status, code, _) = error_of(send(long("bot").to_uppercase(), 9).await.unwrap()).await;
    assert_eq!((status, &*code), (401, "token-invalid"));
}

#[tokio::test]
async fn keys_are_replaced_on_sighup_and_nobody_is_logged_out() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys.json");
    let listed = |api: &[&str], kids: &[&str]| {
        let api = api
            .iter()
            .map(|name| json!({"name": name, "key": long(name), "right": "admin"}));
        let secrets = kids
            .iter()
            .map(|kid| json!({"kid": kid, "secret": long(kid)}));
        json!({"apiKeys": api.collect::<Vec<_>>(), "jwtSecrets": secrets.collect::<Vec<_>>()})
    };
    write_keys(&file, &listed(&["one"], &["first"]));
    let data = folder.path().join("data");
    let gateway =
        Process::start_with(&data, &["--keys", file.to_str().unwrap()], Stdio::null()).await;
    // None is generated beside those listed.
    assert!(!data.join("api-key").exists() && !data.join("jwt-secret").exists());
    let old = token(&gateway.endpoint, &long("one"), "ada", &["a"]).await;

    write_keys(&file, &listed(&["one", "two"], &["second", "first"]));
    gateway.hang_up();
    let new = gateway.token_when_accepted(&long("two")).await;
    for token in [&old, &new] {
        assert!(gateway.is_welcome(token).await);
    }

    // A file that is wrong changes nothing.
    write_keys(&file, &listed(&["three"], &["short"]));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    gateway.hang_up();

    write_keys(&file, &listed(&["three"], &["second"]));
    gateway.hang_up();
    gateway.token_when_accepted(&long("three")).await;
    assert!(gateway.is_welcome(&new).await);
    let mut socket = crate::support::Socket::open(&gateway.endpoint).await;
    socket
        .send_text(&json!({"hello": {"token": old}}).to_string())
        .await;
    assert_eq!(socket.closed().await.0, CloseCode::TokenInvalid.code());
}

#[test]
fn a_gateway_does_not_start_with_a_file_that_is_wrong() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys.json");
    let start = || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_alo-gateway"))
            .args(["--listen", "127.0.0.1:0", "--keys"])
            .arg(&file)
            .arg("--data")
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(start().contains("--keys"));
    write_keys(
        &file,
        &json!({"apiKeys": [{"name": "a", "key": "hunter2", "right": "auth"}]}),
    );
    let error = start();
    assert!(
        error.contains("must have at least 32 bytes") && !error.contains("hunter2"),
        "{error}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap();
    assert!(start().contains("0600"));
}
