//! Limits by rate, of users and of addresses.

use std::time::{Duration, Instant};

use alo_protocol::CloseCode;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::support::{API_KEY, Got, Running, Socket, key, request, send};

async fn start(flags: &[&str]) -> Running {
    Running::start_in(TempDir::new().unwrap(), flags).await
}

/// Tests connect from loopback: named as a proxy, it may be anyone.
async fn start_behind_proxy(flags: &[&str]) -> Running {
    start(&[flags, &["--trusted-proxy", "127.0.0.1"]].concat()).await
}

fn auth(gateway: &Running, api_key: &str) -> RequestBuilder {
    let body = json!({"user": {"id": "ada"}, "channelIds": ["a"]});
    let request = gateway.http.post(gateway.url("/v1/auth"));
    request.bearer_auth(api_key).json(&body)
}

async fn status_from(address: &str, request: RequestBuilder) -> StatusCode {
    let request = request.header("x-forwarded-for", address);
    request.send().await.unwrap().status()
}

async fn socket_from(gateway: &Running, address: &str) -> Socket {
    let mut request = request(&gateway.endpoint, None);
    let address = HeaderValue::from_str(address).unwrap();
    request.headers_mut().insert("x-forwarded-for", address);
    Socket::open_with(request).await
}

async fn is_turned_away(socket: &mut Socket) {
    let code = CloseCode::TooManyConnections;
    assert_eq!(
        socket.closed().await,
        (code.code(), code.as_str().to_owned())
    );
}

/// The time to wait, after body and header were compared.
async fn refused_for(response: Response) -> u64 {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds = response.headers()["retry-after"].to_str().unwrap();
    let seconds: u64 = seconds.parse().unwrap();
    let body: Value = response.json().await.unwrap();
    let data = &body["status"]["errorData"];
    assert_eq!(data["code"], "too-many-requests");
    assert_eq!(data["retryable"], true);
    let ms = data["retryAfterMs"].as_u64().unwrap();
    assert_eq!(seconds, ms.div_ceil(1_000));
    ms
}

#[tokio::test]
async fn sends_beyond_the_rate_are_held_and_stored_in_their_order() {
    let gateway = start(&["--user-sends", "20/s:5"]).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let began = Instant::now();
    let ids: Vec<_> = (0..25)
        .map(|number| (number + 1, send(number, "a", &number.to_string())))
        .collect();
    let frames = ids.iter().map(|(id, params)| {
        json!({"id": id, "method": "message.send", "params": params}).to_string()
    });
    ada.send_texts(frames).await;
    for (id, _) in ids {
        let reply = ada.item().await;
        assert_eq!(reply["id"], id);
        assert_eq!(reply["result"]["message"]["seq"], id, "{reply}");
    }
    // Five at once, and twenty at twenty a second.
    assert!(began.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn a_send_that_would_be_held_too_long_is_refused_with_those_behind_it() {
    let gateway = start(&["--user-sends", "2/min:3"]).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for number in 0..3 {
        let reply = ada.call("message.send", send(number, "a", "x")).await;
        assert!(reply.get("result").is_some());
    }
    for number in 3..6 {
        let reply = ada.call("message.send", send(number, "a", "x")).await;
        let error = &reply["error"];
        assert_eq!(error["code"], "too-many-requests");
        assert_eq!(error["statusCode"], 429);
        assert!((2_000..=30_000).contains(&error["retryAfterMs"].as_u64().unwrap()));
    }
    // All of the user's connections share the limit, other users do not, and other requests go on.
    let mut phone = gateway.welcomed("ada", &["a"]).await;
    let reply = phone.call("message.send", send(9, "a", "x")).await;
    assert_eq!(reply["error"]["code"], "too-many-requests");
    let history = ada.call("history", json!({"channelId": "a"})).await;
    assert_eq!(history["result"]["messages"].as_array().unwrap().len(), 3);
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let reply = bob.call("message.send", send(10, "a", "x")).await;
    assert!(reply.get("result").is_some());
}

#[tokio::test]
async fn requests_count_by_their_entries() {
    let gateway = start(&["--user-requests", "1/min:20"]).await;
    let channels: Vec<_> = (0..100).map(|number| format!("c{number}")).collect();
    let names: Vec<_> = channels.iter().map(String::as_str).collect();
    let mut ada = gateway.welcomed("ada", &names).await;
    let list: Vec<_> = names.iter().map(|id| json!({"id": id})).collect();
    let reply = ada.call("subscribe", json!({"channels": list})).await;
    assert!(reply.get("result").is_some(), "{reply}");
    let reply = ada.call("subscribe", json!({"channels": list})).await;
    assert_eq!(reply["error"]["code"], "too-many-requests");
    assert!(reply["error"]["retryAfterMs"].as_u64().unwrap() > 2_000);
    // Leaving is always possible.
    let reply = ada.call("unsubscribe", json!({"channelIds": names})).await;
    assert!(reply.get("result").is_some());
}

#[tokio::test]
async fn one_that_goes_on_although_it_is_refused_is_cut() {
    let gateway = start(&["--user-sends", "1/min:1"]).await;
    let mut mallory = gateway.welcomed("mallory", &["a"]).await;
    let frame = |number: u64| {
        json!({"id": number, "method": "message.send", "params": send(number, "a", "x")})
            .to_string()
    };
    mallory.send_texts((0..2_000).map(frame)).await;
    let code = CloseCode::Flood;
    assert_eq!(mallory.closed().await.0, code.code());
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_others_have_theirs() {
    let gateway = start(&["--user-open", "2"]).await;
    let first = gateway.welcomed("ada", &["a"]).await;
    let _second = gateway.welcomed("ada", &["a"]).await;
    let token = gateway.token("ada", &["a"]).await;
    let hello = json!({"hello": {"token": token}}).to_string();
    let mut third = gateway.socket().await;
    third.send_text(&hello).await;
    is_turned_away(&mut third).await;
    gateway.welcomed("bob", &["a"]).await;
    drop(first);
    // The gateway notices the end of the first a little later.
    for _ in 0..100 {
        let mut again = gateway.socket().await;
        again.send_text(&hello).await;
        match again.next().await {
            Got::Item(item) => {
                assert!(item.get("welcome").is_some());
                return;
            }
            Got::Closed(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the place of a connection that ended is not free again");
}

#[tokio::test]
async fn a_user_opens_connections_at_a_rate() {
    let gateway = start(&["--user-connections", "1/min:2"]).await;
    for _ in 0..2 {
        drop(gateway.welcomed("ada", &["a"]).await);
    }
    let token = gateway.token("ada", &["a"]).await;
    let mut third = gateway.socket().await;
    third
        .send_text(&json!({"hello": {"token": token}}).to_string())
        .await;
    is_turned_away(&mut third).await;
    gateway.welcomed("bob", &["a"]).await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_before_any_login() {
    let gateway = start_behind_proxy(&["--address-open", "2"]).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(socket_from(&gateway, "2001:db8::1").await);
    }
    // Of the same network.
    is_turned_away(&mut socket_from(&gateway, "2001:db8::2").await).await;
    let token = gateway.token("ada", &["a"]).await;
    let mut other = socket_from(&gateway, "2001:db8:0:1::1").await;
    other.hello(&token).await;
}

#[tokio::test]
async fn an_address_opens_connections_at_a_rate() {
    let gateway = start_behind_proxy(&["--address-connections", "1/min:2"]).await;
    for _ in 0..2 {
        drop(socket_from(&gateway, "192.0.2.1").await);
    }
    is_turned_away(&mut socket_from(&gateway, "192.0.2.1").await).await;
    let token = gateway.token("ada", &["a"]).await;
    let mut other = socket_from(&gateway, "192.0.2.2").await;
    other.hello(&token).await;
}

#[tokio::test]
async fn after_many_wrong_keys_even_the_right_one_is_refused_from_there() {
    let gateway = start_behind_proxy(&["--address-refusals", "1/min:3"]).await;
    for _ in 0..4 {
        let status = status_from("192.0.2.1", auth(&gateway, "a guess")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let right = auth(&gateway, API_KEY).header("x-forwarded-for", "192.0.2.1");
    let wait_ms = refused_for(right.send().await.unwrap()).await;
    assert!((5_000..=60_000).contains(&wait_ms), "{wait_ms}");
    is_turned_away(&mut socket_from(&gateway, "192.0.2.1").await).await;
    let other = status_from("192.0.2.2", auth(&gateway, API_KEY)).await;
    assert_eq!(other, StatusCode::OK);
}

#[tokio::test]
async fn wrong_tokens_count_like_wrong_keys_and_expired_ones_do_not() {
    let gateway = start_behind_proxy(&["--address-refusals", "1/min:1"]).await;
    for _ in 0..2 {
        let mut socket = socket_from(&gateway, "192.0.2.1").await;
        socket
            .send_text(&json!({"hello": {"token": "a guess"}}).to_string())
            .await;
        assert_eq!(socket.closed().await.0, CloseCode::TokenInvalid.code());
    }
    is_turned_away(&mut socket_from(&gateway, "192.0.2.1").await).await;
    let status = status_from("192.0.2.1", auth(&gateway, API_KEY)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    // None at all is no guess.
    for _ in 0..5 {
        let nothing = gateway.http.post(gateway.url("/v1/auth"));
        let status = status_from("192.0.2.2", nothing).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_named_is_not_locked_out_for_its_clients() {
    let gateway = start(&["--address-refusals", "1/min:1", "--address-open", "1"]).await;
    for _ in 0..10 {
        let status = status_from("192.0.2.1", auth(&gateway, "a guess")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let status = status_from("192.0.2.2", auth(&gateway, API_KEY)).await;
    assert_eq!(status, StatusCode::OK);
    let token = gateway.token("ada", &["a"]).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut socket = socket_from(&gateway, "192.0.2.2").await;
        socket.hello(&token).await;
        open.push(socket);
    }
}

#[tokio::test]
async fn upload_requests_beyond_the_rate_are_refused_with_the_time_to_wait() {
    let gateway = start(&["--user-uploads", "1/min:2"]).await;
    let token = gateway.token("ada", &["a"]).await;
    let create = || {
        let request = gateway.http.post(gateway.url("/v1/files"));
        request
            .bearer_auth(&token)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            // A file called f, in channel a.
            .header("upload-metadata", "filename Zg==,channelId YQ==")
    };
    for _ in 0..2 {
        let response = create().send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    let wait_ms = refused_for(create().send().await.unwrap()).await;
    assert!((1..=60_000).contains(&wait_ms));
}

#[tokio::test]
async fn limits_by_rate_are_announced() {
    let gateway = start(&[
        "--user-sends",
        "2/s:7",
        "--user-requests",
        "0",
        "--user-open",
        "0",
    ])
    .await;
    let token = gateway.token("ada", &["a"]).await;
    let mut socket = gateway.socket().await;
    let welcome = socket.hello(&token).await;
    let rates = &welcome["limits"]["rates"];
    assert_eq!(rates["sends"], json!({"perMinute": 120, "burst": 7}));
    assert!(rates.get("requests").is_none());
    assert!(rates.get("openConnections").is_none());
    let gateway = start(&["--unlimited"]).await;
    let token = gateway.token("ada", &["a"]).await;
    let welcome = gateway.socket().await.hello(&token).await;
    assert!(welcome["limits"].get("rates").is_none());
}

/// What the defaults are for.
#[tokio::test]
async fn a_page_sends_a_thousand_messages_at_once_by_default() {
    let gateway = start(&[]).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for part in 0..4 {
        let numbers = part * 250..(part + 1) * 250;
        let frame = |number: u64| {
            let params = json!({"key": key(number), "channelId": "a", "content": "x"});
            json!({"id": number + 1, "method": "message.send", "params": params}).to_string()
        };
        ada.send_texts(numbers.clone().map(frame)).await;
        for number in numbers {
            let reply = ada.item().await;
            assert_eq!(reply["result"]["message"]["seq"], number + 1, "{reply}");
        }
    }
}
