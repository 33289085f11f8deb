//! Revocations, bans and mutes: in force within a second, durable, and lifted.

use std::time::{Duration, Instant};

use alo_protocol::CloseCode;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures_util::{StreamExt, stream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::{API_KEY, Running, Socket, error_of, eventually, is_served, send};

/// How long a restriction may take to reach what is open.
const SOON: Duration = Duration::from_secs(1);

fn platform(gateway: &Running, method: Method, path: &str) -> RequestBuilder {
    let request = gateway.http.request(method, gateway.url(path));
    request.bearer_auth(API_KEY)
}

/// Restricts: when this returns it is answered.
async fn restrict(gateway: &Running, path: &str, body: Value) {
    let request = platform(gateway, Method::PUT, path).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 204, "{path} {body}");
}

async fn release(gateway: &Running, path: &str) -> u16 {
    let answer = platform(gateway, Method::DELETE, path).send().await;
    answer.unwrap().status().as_u16()
}

async fn list(gateway: &Running, path: &str) -> Value {
    let answer = platform(gateway, Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// A socket of a user that reads these channels.
async fn reader(gateway: &Running, token: &str, channels: &[&str]) -> Socket {
    let mut socket = gateway.socket().await;
    socket.hello(token).await;
    if channels.is_empty() {
        return socket;
    }
    let channels: Vec<_> = channels.iter().map(|id| json!({"id": id})).collect();
    let reply = socket
        .call("subscribe", json!({"channels": channels}))
        .await;
    assert!(reply["result"].is_object(), "{reply}");
    socket
}

/// The code that the socket closes with, soon.
async fn closes(socket: &mut Socket) -> u16 {
    let closed = timeout(SOON, socket.closed());
    closed.await.expect("it closes within a second").0
}

/// What comes next, soon.
async fn soon(socket: &mut Socket) -> Value {
    let item = timeout(SOON, socket.item());
    item.await.expect("it comes within a second")
}

fn token_id(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["jti"].as_str().expect("a jti").to_owned()
}

#[tokio::test]
async fn a_revoked_user_is_out_within_a_second_and_a_later_token_is_accepted() {
    let gateway = Running::start().await;
    let old = gateway.token("ada", &["a"]).await;
    let mut sockets = [
        reader(&gateway, &old, &["a"]).await,
        reader(&gateway, &old, &[]).await,
    ];
    let mut eve = gateway.welcomed("eve", &["a"]).await;
    let body = json!({"user_id": "ada", "reason": "left the company"});
    restrict(&gateway, "/v1/revocations", body).await;
    for socket in &mut sockets {
        assert_eq!(closes(socket).await, CloseCode::TokenRevoked.code());
    }
    assert_eq!(
        gateway.refusal(&old).await,
        Some(CloseCode::TokenRevoked.code())
    );
    let file = gateway.url("/v1/files/00000000-0000-7000-8000-000000000000");
    let request = gateway.http.get(file).bearer_auth(&old);
    let (status, code, message) = error_of(request.send().await.unwrap()).await;
    assert_eq!((status, &*code), (401, "token-revoked"));
    assert!(
        message.contains("until") && message.ends_with(": left the company"),
        "{message}"
    );
    is_served(&mut eve).await;
    let later = gateway.token("ada", &["a"]).await;
    let mut again = reader(&gateway, &later, &["a"]).await;
    let sent = again.call("message.send", send(1, "a", "x")).await;
    assert!(sent["result"].is_object(), "{sent}");
}

#[tokio::test]
async fn a_revoked_token_is_out_and_the_users_others_stay() {
    let gateway = Running::start().await;
    let (lost, kept) = (
        gateway.token("ada", &["a"]).await,
        gateway.token("ada", &["a"]).await,
    );
    assert_ne!(token_id(&lost), token_id(&kept));
    let mut out = reader(&gateway, &lost, &["a"]).await;
    let mut stays = reader(&gateway, &kept, &["a"]).await;
    let body = json!({"token_id": token_id(&lost)});
    restrict(&gateway, "/v1/revocations", body).await;
    assert_eq!(closes(&mut out).await, CloseCode::TokenRevoked.code());
    // A connection does not keep what was revoked by using another token first.
    let refresh = stays.call("auth.refresh", json!({"token": lost})).await;
    assert_eq!(refresh["error"]["code"], "token-revoked");
    is_served(&mut stays).await;
}

#[tokio::test]
async fn a_channel_revoked_for_a_user_is_left_and_the_others_go_on() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a", "b"]).await;
    let mut ada = reader(&gateway, &token, &["a", "b"]).await;
    let eve_token = gateway.token("eve", &["a", "b"]).await;
    let mut eve = reader(&gateway, &eve_token, &["a", "b"]).await;
    let body = json!({"user_id": "ada", "channel_id": "a"});
    restrict(&gateway, "/v1/revocations", body).await;
    let gap = soon(&mut ada).await;
    assert_eq!(gap["gap"]["id"], "a", "{gap}");
    assert_eq!(gap["gap"]["error"]["code"], "channel-forbidden");
    assert!(gap["gap"].get("cursor").is_none());
    for (method, params) in [
        ("subscribe", json!({"channels": [{"id": "a"}]})),
        ("history", json!({"channelId": "a"})),
        ("message.send", send(1, "a", "x")),
    ] {
        let reply = ada.call(method, params).await;
        assert_eq!(reply["error"]["code"], "channel-forbidden", "{method}");
    }
    // What is sent to the channel reaches others only; what is sent to another reaches all.
    for (number, channel) in [(2, "a"), (3, "b")] {
        let sent = eve.call("message.send", send(number, channel, "x")).await;
        assert!(sent["result"].is_object(), "{sent}");
    }
    assert_eq!(soon(&mut ada).await["channel"], "b");
    // A token issued later permits it again.
    let later = gateway.token("ada", &["a"]).await;
    is_served(&mut reader(&gateway, &later, &["a"]).await).await;
}

#[tokio::test]
async fn a_channel_revoked_for_all_is_closed_to_new_tokens_too_until_the_end() {
    let gateway = Running::start().await;
    let mut readers = Vec::new();
    for user in ["ada", "eve"] {
        let token = gateway.token(user, &["a"]).await;
        readers.push(reader(&gateway, &token, &["a"]).await);
    }
    restrict(&gateway, "/v1/revocations", json!({"channel_id": "a"})).await;
    for reader in &mut readers {
        assert_eq!(soon(reader).await["gap"]["id"], "a");
    }
    let subscribe = json!({"channels": [{"id": "a"}]});
    let mut new = gateway.welcomed("ada", &["a"]).await;
    let refused = new.call("subscribe", subscribe.clone()).await;
    assert_eq!(refused["error"]["code"], "channel-forbidden");
    let soon_ms = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() + Duration::from_millis(300);
    let until = u64::try_from(soon_ms.as_millis()).unwrap();
    let body = json!({"channel_id": "a", "until": until});
    restrict(&gateway, "/v1/revocations", body).await;
    eventually(async || {
        let reply = new.call("subscribe", subscribe.clone()).await;
        reply["result"].is_object()
    })
    .await;
    assert_eq!(
        list(&gateway, "/v1/revocations").await,
        json!({"revocations": []})
    );
}

#[tokio::test]
async fn a_banned_user_neither_reads_nor_sends_until_it_is_lifted() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a", "b"]).await;
    let mut ada = reader(&gateway, &token, &["a", "b"]).await;
    let body = json!({"until": 4_102_444_800_000_u64, "reason": "spam"});
    restrict(&gateway, "/channels/a/bans/ada", body).await;
    let gap = soon(&mut ada).await;
    assert_eq!(gap["gap"]["error"]["code"], "user-banned", "{gap}");
    let message = gap["gap"]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("until Fri, 01 Jan 2100 00:00:00 GMT: spam"),
        "{message}"
    );
    // Not with a new token either.
    let later = gateway.token("ada", &["a", "b"]).await;
    let mut again = gateway.socket().await;
    again.hello(&later).await;
    for (method, params) in [
        ("subscribe", json!({"channels": [{"id": "a"}]})),
        ("history", json!({"channelId": "a"})),
        ("message.send", send(1, "a", "x")),
    ] {
        let reply = again.call(method, params).await;
        assert_eq!(reply["error"]["code"], "user-banned", "{method}");
    }
    assert!(again.call("message.send", send(2, "b", "x")).await["result"].is_object());
    let bans = list(&gateway, "/channels/a/bans").await;
    assert_eq!(bans["bans"][0]["user_id"], "ada", "{bans}");
    assert_eq!(bans["bans"][0]["until"], 4_102_444_800_000_u64);
    assert_eq!(
        list(&gateway, "/channels/b/bans").await,
        json!({"bans": []})
    );
    assert_eq!(release(&gateway, "/channels/a/bans/ada").await, 204);
    assert_eq!(release(&gateway, "/channels/a/bans/ada").await, 404);
    is_served(&mut reader(&gateway, &token, &["a"]).await).await;
}

#[tokio::test]
async fn a_muted_user_reads_and_sends_nothing_until_it_is_lifted() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    let mut ada = reader(&gateway, &token, &["a"]).await;
    restrict(&gateway, "/channels/a/mutes/ada", json!({})).await;
    let refused = ada.call("message.send", send(1, "a", "x")).await;
    assert_eq!(refused["error"]["code"], "user-muted", "{refused}");
    assert_eq!(refused["error"]["retryable"], false);
    let upload = upload(&gateway, &token, 5);
    let (status, code, _) = error_of(upload.send().await.unwrap()).await;
    assert_eq!((status, &*code), (403, "user-muted"));
    let mut eve = gateway.welcomed("eve", &["a"]).await;
    is_served(&mut eve).await;
    assert_eq!(soon(&mut ada).await["channel"], "a");
    assert!(ada.call("history", json!({"channelId": "a"})).await["result"].is_object());
    let mutes = list(&gateway, "/channels/a/mutes").await;
    assert_eq!(mutes["mutes"][0]["user_id"], "ada");
    assert_eq!(release(&gateway, "/channels/a/mutes/ada").await, 204);
    assert!(ada.call("message.send", send(2, "a", "x")).await["result"].is_object());
}

#[tokio::test]
async fn restrictions_survive_a_restart() {
    let gateway = Running::start_in(TempDir::new().unwrap(), &[]).await;
    let token = gateway.token("ada", &["a", "b", "c"]).await;
    let revoked = gateway.token("eve", &["a"]).await;
    let lost = gateway.token("bob", &["a"]).await;
    restrict(&gateway, "/v1/revocations", json!({"user_id": "eve"})).await;
    let body = json!({"token_id": token_id(&lost)});
    restrict(&gateway, "/v1/revocations", body).await;
    let body = json!({"user_id": "ada", "channel_id": "a"});
    restrict(&gateway, "/v1/revocations", body).await;
    restrict(&gateway, "/channels/b/bans/ada", json!({"reason": "spam"})).await;
    restrict(&gateway, "/channels/c/mutes/ada", json!({})).await;
    let listed = list(&gateway, "/v1/revocations").await;
    let gateway = gateway.restart().await;
    assert_eq!(list(&gateway, "/v1/revocations").await, listed);
    let out = Some(CloseCode::TokenRevoked.code());
    for token in [&revoked, &lost] {
        assert_eq!(gateway.refusal(token).await, out);
    }
    let mut ada = gateway.socket().await;
    ada.hello(&token).await;
    for (channel, code) in [
        ("a", "channel-forbidden"),
        ("b", "user-banned"),
        ("c", "user-muted"),
    ] {
        let reply = ada.call("message.send", send(1, channel, "x")).await;
        assert_eq!(reply["error"]["code"], code);
    }
}

fn metadata(channel: &str) -> String {
    let part = |name: &str, value: &str| format!("{name} {}", STANDARD.encode(value));
    [
        part("channelId", channel),
        part("filename", "x"),
        part("filetype", "text/plain"),
        part("lastModified", "5"),
    ]
    .join(",")
}

fn upload(gateway: &Running, token: &str, bytes: usize) -> RequestBuilder {
    gateway
        .http
        .post(gateway.url("/v1/files"))
        .bearer_auth(token)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", bytes)
        .header("upload-metadata", metadata("a"))
        .header("content-type", "application/offset+octet-stream")
}

#[tokio::test]
async fn an_upload_that_runs_ends_within_a_second() {
    for (path, body, code) in [
        (
            "/v1/revocations",
            json!({"user_id": "ada"}),
            "token-revoked",
        ),
        ("/channels/a/bans/ada", json!({}), "user-banned"),
        ("/channels/a/mutes/ada", json!({}), "user-muted"),
        (
            "/v1/revocations",
            json!({"channel_id": "a"}),
            "channel-forbidden",
        ),
    ] {
        let gateway = Running::start().await;
        let token = gateway.token("ada", &["a"]).await;
        // Bytes come all the time, and never all of them.
        let bytes = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, std::io::Error>(vec![0; 16]), ()))
        });
        let request = upload(&gateway, &token, 1 << 20).body(reqwest::Body::wrap_stream(bytes));
        let running = tokio::spawn(request.send());
        eventually(async || {
            let metrics = gateway.http.get(gateway.url("/metrics")).send().await;
            let metrics = metrics.unwrap().text().await.unwrap();
            let count = metrics
                .lines()
                .find_map(|line| line.strip_prefix("alo_upload_bytes_total "));
            count.is_some_and(|count| count != "0")
        })
        .await;
        restrict(&gateway, path, body).await;
        let answer = timeout(SOON, running)
            .await
            .expect("it ends within a second");
        // The connection may be closed before all of the answer is read: the bytes go on.
        if let Ok(answer) = answer.unwrap() {
            assert_eq!(error_of(answer).await.1, code);
        }
    }
}

#[tokio::test]
async fn a_download_that_runs_ends_within_a_second() {
    const BYTES: usize = 32 << 20;
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    let created = upload(&gateway, &token, BYTES).body(vec![7; BYTES]);
    let created = created.send().await.unwrap();
    assert_eq!(created.status(), 201);
    let path = created.headers()["location"].to_str().unwrap().to_owned();
    let download = || {
        gateway
            .http
            .get(gateway.url(&path))
            .bearer_auth(&token)
            .send()
    };
    let mut bytes = download().await.unwrap().bytes_stream();
    let mut received = bytes.next().await.unwrap().unwrap().len();
    restrict(&gateway, "/channels/a/bans/ada", json!({})).await;
    let since = Instant::now();
    let rest = async {
        loop {
            match bytes.next().await {
                Some(Ok(piece)) => received += piece.len(),
                Some(Err(_)) => break true,
                None => break false,
            }
        }
    };
    assert!(timeout(SOON * 10, rest).await.unwrap(), "it was not cut");
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    assert!(received < BYTES);
    let (status, code, _) = error_of(download().await.unwrap()).await;
    assert_eq!((status, &*code), (404, "file-not-found"));
}

#[tokio::test]
async fn wrong_restrictions_name_the_argument() {
    let gateway = Running::start().await;
    for (path, body, argument) in [
        ("/v1/revocations", json!({}), "user_id"),
        ("/v1/revocations", json!({"user_id": ""}), "user_id"),
        ("/v1/revocations", json!({"token_id": "", }), "token_id"),
        (
            "/v1/revocations",
            json!({"token_id": "x", "user_id": "ada"}),
            "token_id",
        ),
        ("/v1/revocations", json!({"channel_id": ""}), "body"),
        ("/v1/revocations", json!({"user": "ada"}), "body"),
        (
            "/v1/revocations",
            json!({"user_id": "ada", "until": u64::MAX}),
            "until",
        ),
        ("/channels/a/bans/ada", json!({"until": -1}), "body"),
        ("/channels/a/bans/ada", json!({"reason": "a\nb"}), "reason"),
        ("/channels/a/mutes/a%0Ab", json!({}), "user_id"),
    ] {
        let request = platform(&gateway, Method::PUT, path).json(&body);
        let (status, code, message) = error_of(request.send().await.unwrap()).await;
        assert_eq!((status, &*code), (400, "invalid-argument"), "{path} {body}");
        assert!(message.starts_with(argument), "{message}");
    }
    assert_eq!(release(&gateway, "/v1/revocations?user_id=ada").await, 404);
    assert_eq!(release(&gateway, "/v1/revocations").await, 400);
    let token = gateway.token("ada", &["a"]).await;
    let request = gateway.http.get(gateway.url("/v1/revocations"));
    let (status, _, _) = error_of(request.bearer_auth(token).send().await.unwrap()).await;
    assert_eq!(status, 401);
}
