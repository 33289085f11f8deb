//! The HTTP side but for files.

use serde_json::json;

use crate::support::{API_KEY, Got, Process, Running, Socket, error_of, key};

#[tokio::test]
async fn what_is_wrong_in_a_body_is_named() {
    let gateway = Running::start().await;
    let long = "x".repeat(300 * 1024);
    for (body, status, code, word) in [
        (
            r#"{"ttl": 0, "user": {"id": "ada"}, "channelIds": ["a"]}"#,
            400,
            "invalid-argument",
            "ttl",
        ),
        (
            r#"{"ttl": "x", "user": {"id": "ada"}, "channelIds": ["a"]}"#,
            400,
            "invalid-argument",
            "body",
        ),
        (
            r#"{"user": {"id": ""}, "channelIds": ["a"]}"#,
            400,
            "invalid-argument",
            "user.id",
        ),
        (
            r#"{"user": {"id": "ada"}, "channelIds": []}"#,
            400,
            "invalid-argument",
            "channelIds",
        ),
        (
            r#"{"user": {"id": "ada"}}"#,
            400,
            "invalid-argument",
            "channelIds",
        ),
        ("", 400, "invalid-argument", "body"),
        (&long, 413, "content-too-large", "body"),
    ] {
        let request = gateway
            .http
            .post(gateway.url("/v1/auth"))
            .bearer_auth(API_KEY)
            .body(body.to_owned());
        let error = error_of(request.send().await.unwrap()).await;
        assert_eq!((error.0, &*error.1), (status, code), "{}", error.2);
        assert!(error.2.contains(word), "{}", error.2);
    }
}

#[tokio::test]
async fn health_and_metrics_are_told() {
    let gateway = Running::start().await;
    let health = gateway
        .http
        .get(gateway.url("/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (health.status().as_u16(), &*health.text().await.unwrap()),
        (200, "ok\n")
    );
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let send = json!({"key": key(1), "channelId": "a", "content": "x"});
    assert!(ada.call("message.send", send).await.get("result").is_some());
    let metrics = gateway
        .http
        .get(gateway.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(metrics.contains("alo_connections 1\n"), "{metrics}");
    assert!(
        metrics.contains("alo_messages_committed_total 1\n"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"));
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out() {
    let data = tempfile::tempdir().unwrap();
    let gateway = Running::start_in(data, &["--allow-origin", "https://chat.example.com"]).await;
    let ask = |origin: &'static str| {
        gateway
            .http
            .get(gateway.url("/healthz"))
            .header("origin", origin)
            .send()
    };
    let allowed = ask("https://chat.example.com").await.unwrap();
    assert_eq!(
        allowed.headers()["access-control-allow-origin"],
        "https://chat.example.com"
    );
    let other = ask("https://evil.example.com").await.unwrap();
    assert!(other.headers().get("access-control-allow-origin").is_none());

    let connect = |origin| {
        tokio_tungstenite::connect_async(crate::support::request(&gateway.endpoint, Some(origin)))
    };
    assert!(connect("https://chat.example.com").await.is_ok());
    // A page can read a close code, and no HTTP status. What it sends is not looked at, a token included.
    let token = gateway.token("ada", &["a"]).await;
    let mut refused = Socket::open_from(&gateway.endpoint, "https://evil.example.com").await;
    let hello = json!({"hello": {"token": token, "channels": []}}).to_string();
    refused.send_text(&hello).await;
    let Got::Closed(Some(close)) = refused.next().await else {
        panic!("a page of another origin received something else first");
    };
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (4009, "origin-forbidden")
    );
    assert_eq!(gateway.connections().await, 0);
}

#[tokio::test]
async fn a_refused_origin_is_logged_once_a_minute_with_its_name() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let process = Process::start_logged(data.path(), file.into()).await;
    for origin in ["https://one.example", "https://two.example"] {
        for _ in 0..20 {
            let mut refused = Socket::open_from(&process.endpoint, origin).await;
            assert_eq!(refused.closed().await.0, 4009);
        }
    }
    drop(process);
    let log = std::fs::read_to_string(&log).unwrap();
    for origin in ["https://one.example", "https://two.example"] {
        let lines = log.lines().filter(|line| line.contains(origin));
        assert_eq!(lines.count(), 1, "{log}");
    }
}

#[tokio::test]
async fn every_error_has_the_same_body() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    let get = |path: &str| {
        gateway
            .http
            .get(gateway.url(path))
            .bearer_auth(&token)
            .send()
    };
    let wrong_method = gateway
        .http
        .patch(gateway.url("/v1/auth"))
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(wrong_method).await.1, "method-not-allowed");
    assert_eq!(error_of(get("/v1/files/%FF").await.unwrap()).await.0, 400);
    let no_socket = get("/v1/connect").await.unwrap();
    assert_eq!(error_of(no_socket).await.1, "invalid-argument");
}

#[tokio::test]
async fn nothing_stands_at_other_addresses() {
    let gateway = Running::start().await;
    let error = error_of(
        gateway
            .http
            .get(gateway.url("/v2/other"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((error.0, &*error.1), (404, "not-found"));
}
