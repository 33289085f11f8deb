//! Clients that take their time: heads, bodies and frames that never end.

use std::time::Duration;

use alo_gateway::config::Config;
use alo_protocol::{CloseCode, HELLO_BYTES, OFFSET_STREAM};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    raw::{Event, Frame, Raw},
    support::{Running, is_served},
};

/// Longer than the gateway waits for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_request_whose_head_never_ends_is_cut() {
    let gateway = Running::start().await;
    let host = gateway.endpoint.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    socket
        .write_all(b"POST /v1/auth HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    let trickle = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if socket.write_all(b"a").await.is_err() {
                break;
            }
            let mut answer = [0; 256];
            // An answer with the reason, or the end.
            if let Ok(read) = timeout(Duration::from_millis(1), socket.read(&mut answer)).await {
                assert!(
                    read.is_err()
                        || read
                            .is_ok_and(|count| count == 0 || answer.starts_with(b"HTTP/1.1 408"))
                );
                break;
            }
        }
    };
    timeout(PATIENCE, trickle)
        .await
        .expect("the gateway cuts it");
}

#[tokio::test]
async fn a_socket_that_never_says_hello_is_closed() {
    let gateway = Running::start().await;
    let mut socket = gateway.socket().await;
    // Pings are no hello.
    socket.send_raw(Message::Ping(Vec::new().into())).await;
    assert_eq!(socket.closed().await.0, CloseCode::HelloTimeout.code());
}

/// Half a frame is no sign of life, whether it stops or continues byte by byte.
#[tokio::test]
async fn a_frame_that_never_ends_is_cut() {
    let gateway = Running::start().await;
    let mut bystander = gateway.welcomed("ada", &["a"]).await;
    let frame = Frame::text([b'x'; HELLO_BYTES]).bytes();
    let (mut stops, mut trickles) = (Raw::open(&gateway, "").await, Raw::open(&gateway, "").await);
    stops.write(&frame[..frame.len() / 2]).await;
    let rest = trickle(&mut trickles, &frame);
    let (stopped, trickled) = timeout(PATIENCE, async { tokio::join!(stops.until(None), rest) })
        .await
        .expect("the gateway cuts both");
    let expected = [Event::Close(CloseCode::HelloTimeout.code()), Event::End];
    assert_eq!((stopped, trickled), (expected.to_vec(), expected.to_vec()));
    is_served(&mut bystander).await;
}

/// Sends a byte now and then, and answers no close, until the connection ends.
async fn trickle(raw: &mut Raw, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut bytes = bytes.iter();
    let mut every = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            event = raw.next() => {
                events.push(event.clone());
                if matches!(event, Event::End | Event::Reset) {
                    return events;
                }
            }
            _ = every.tick() => {
                raw.write(&[*bytes.next().unwrap()]).await;
            }
        }
    }
}

#[tokio::test]
async fn an_upload_that_stops_is_cut_and_can_go_on() {
    let idle = |config: &mut Config| config.files.pace.window = Duration::from_millis(500);
    let gateway = Running::start_with(tempfile::tempdir().unwrap(), &[], idle).await;
    let token = gateway.token("ada", &["a"]).await;
    let request = |method, path: &str| {
        let request = gateway.http.request(method, gateway.url(path));
        request.bearer_auth(&token).header("tus-resumable", "1.0.0")
    };
    let created = request(Method::POST, "/v1/files")
        .header("upload-length", 1_000)
        .header("upload-metadata", "channelId YQ==,filename eA==")
        .send()
        .await
        .unwrap();
    let path = created.headers()["location"].to_str().unwrap();

    let host = gateway.endpoint.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: 0\r\nContent-Type: {OFFSET_STREAM}\r\nContent-Length: 1000\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&[7; 100]).await.unwrap();
    let answer = answer(&mut socket).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"unavailable\""),
        "{answer}"
    );

    // What came is kept.
    let head = request(Method::HEAD, path).send().await.unwrap();
    assert_eq!(head.headers()["upload-offset"], "100");
    let rest = request(Method::PATCH, path)
        .header("upload-offset", 100)
        .header("content-type", OFFSET_STREAM)
        .body(vec![7; 900])
        .send();
    assert_eq!(rest.await.unwrap().status(), 204);
}

/// A body nobody has asked for does not hold the connection.
#[tokio::test]
async fn a_body_that_is_refused_is_not_waited_for() {
    let gateway = Running::start().await;
    let host = gateway.endpoint.strip_prefix("http://").unwrap();
    for path in ["/v1/auth", "/v1/files", "/nowhere"] {
        let mut socket = TcpStream::connect(host).await.unwrap();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n{{");
        socket.write_all(head.as_bytes()).await.unwrap();
        let answer = answer(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
}

/// Everything a connection receives until it ends.
async fn answer(socket: &mut TcpStream) -> String {
    let mut answer = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut answer))
        .await
        .expect("the gateway ends it")
        .unwrap();
    answer
}
