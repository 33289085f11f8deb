//! Who may come in, for how long, and with how many bytes.

use std::{
    io::ErrorKind,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use alo_gateway::config::Config;
use alo_protocol::{CloseCode, HELLO_BYTES};
use reqwest::Method;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    raw::{Chops, Event, Frame, Raw},
    support::{API_KEY, PROCESS_KEY, Process, Running, is_served, upload_request, uploaded},
};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// A time limit, short for a test.
const SHORT: Duration = Duration::from_millis(300);

async fn start(set: impl FnOnce(&mut Config)) -> Running {
    Running::start_with(TempDir::new().unwrap(), &[], set).await
}

async fn connect(gateway: &Running) -> TcpStream {
    let host = gateway.endpoint.strip_prefix("http://").unwrap();
    TcpStream::connect(host).await.unwrap()
}

/// What a connection receives until its end, however that comes.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, socket.read_to_end(&mut bytes))
        .await
        .expect("the gateway ends it");
    if let Err(error) = end {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    String::from_utf8(bytes).unwrap()
}

async fn is_healthy(gateway: &Running) {
    let started = Instant::now();
    let answer = gateway.http.get(gateway.url("/healthz")).send();
    let answer = timeout(PATIENCE, answer)
        .await
        .expect("it answers")
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let gateway = start(|config| config.intake.patience.head = SHORT).await;
    for beginning in ["", "G", "GET /healthz HTTP/1.1\r\nHost: x\r\n", "PRI * HT"] {
        let mut socket = connect(&gateway).await;
        socket.write_all(beginning.as_bytes()).await.unwrap();
        let started = Instant::now();
        assert!(!rest(&mut socket).await.contains("200 OK"), "{beginning}");
        assert!(started.elapsed() >= SHORT / 2, "{beginning:?}: too early");
    }
}

/// Browsers and proxies speak HTTP/1.1 to it.
#[tokio::test]
async fn http_2_is_not_spoken() {
    let gateway = Running::start().await;
    let mut socket = connect(&gateway).await;
    // The preface, and empty settings.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    socket.write_all(preface).await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 505"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_used_one_is_not() {
    let gateway = start(|config| {
        config.intake.patience.idle = SHORT;
        config.intake.patience.head = PATIENCE * 2;
    })
    .await;
    let mut socket = connect(&gateway).await;
    for _ in 0..3 {
        socket
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = vec![0; 4_096];
        let count = socket.read(&mut answer).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200 OK"));
        sleep(SHORT / 3).await;
    }
    assert_eq!(rest(&mut socket).await, "");
}

#[tokio::test]
async fn a_second_request_that_never_ends_is_cut() {
    let gateway = start(|config| config.intake.patience.head = SHORT).await;
    let mut socket = connect(&gateway).await;
    for request in ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /health"] {
        socket.write_all(request.as_bytes()).await.unwrap();
        sleep(SHORT / 3).await;
    }
    let answer = rest(&mut socket).await;
    assert_eq!(answer.matches("200 OK").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_json_body_that_never_ends_is_cut() {
    let gateway = start(|config| config.intake.patience.body = SHORT).await;
    let mut socket = connect(&gateway).await;
    let head = format!(
        "POST /v1/auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\nContent-Length: 100\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("body: took too long"), "{answer}");
}

#[tokio::test]
async fn silent_connections_do_not_silence_others() {
    const ROOM: usize = 20;
    let gateway = start(|config| config.intake.connections = Some(ROOM)).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let mut silent = Vec::new();
    for number in 0..5 * ROOM {
        let mut socket = connect(&gateway).await;
        let beginning = ["", "PRI * HTTP/2.0\r\n\r\n", "GET "][number % 3];
        // It may be gone already.
        let _ = socket.write_all(beginning.as_bytes()).await;
        silent.push(socket);
    }
    // WebSockets that never say hello are silent too.
    for _ in 0..ROOM {
        silent.push(Raw::open(&gateway, "").await.into_stream());
    }
    is_healthy(&gateway).await;
    is_served(&mut ada).await;
}

/// 300 silent connections at 256 descriptors, as a program of its own.
#[cfg(unix)]
#[tokio::test]
async fn silent_connections_leave_descriptors_for_health() {
    let data = TempDir::new().unwrap();
    let metrics = free_address();
    let process = Process::start_limited(
        data.path(),
        256,
        &["--metrics-listen", &metrics],
        Stdio::null(),
    )
    .await;
    let mut ada = process.connect("ada").await;
    let host = process.endpoint.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(host).await.unwrap());
    }
    for endpoint in [&process.endpoint, &format!("http://{metrics}")] {
        let answer = reqwest::Client::new()
            .get(format!("{endpoint}/healthz"))
            .send();
        let answer = timeout(PATIENCE, answer)
            .await
            .expect("it answers")
            .unwrap();
        assert_eq!(answer.status(), 200, "{endpoint}");
    }
    is_served(&mut ada).await;
}

/// More connections than descriptors, by a wrong setting: said once a second, and survived.
#[cfg(unix)]
#[tokio::test]
async fn a_lack_of_descriptors_is_logged_and_survived() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let data = folder.path().join("data");
    let flags = ["--connections", "1000"];
    let process = Process::start_limited(&data, 128, &flags, file.into()).await;
    let host = process.endpoint.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(host).await.unwrap());
    }
    let lines = || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.matches("a connection could not be accepted").count()
    };
    timeout(PATIENCE, async {
        while lines() == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it is logged");
    drop(silent);
    timeout(PATIENCE, async {
        while reqwest::get(format!("{}/healthz", process.endpoint))
            .await
            .is_err()
        {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is survived");
    assert!(lines() < 20, "{} lines", lines());
}

/// Those that do something keep their place; metrics have their own.
#[tokio::test]
async fn beyond_the_limit_connections_are_refused_but_for_metrics() {
    const ROOM: usize = 5;
    let metrics = free_address();
    let gateway = start(|config| {
        config.intake.connections = Some(ROOM);
        config.intake.metrics_listen = Some(metrics.parse().unwrap());
    })
    .await;
    let token = gateway.token("ada", &["a"]).await;
    let mut sockets = Vec::new();
    for _ in 0..ROOM {
        sockets.push(Raw::welcomed(&gateway, &token).await);
    }
    let mut refused = connect(&gateway).await;
    assert_eq!(rest(&mut refused).await, "");
    let text = reqwest::get(format!("http://{metrics}/metrics"));
    let text = text.await.unwrap().text().await.unwrap();
    assert!(
        text.contains("alo_refused_sockets_total{reason=\"total\"}"),
        "{text}"
    );
    assert!(
        text.contains(&format!("alo_connections {ROOM}\n")),
        "{text}"
    );
    // A place that is free again is taken again.
    sockets.pop();
    let mut again = sockets.pop().unwrap();
    again.send(&[Frame::close(1000, "")], Chops::None).await;
    again.until(None).await;
    timeout(PATIENCE, async {
        while reqwest::get(gateway.url("/healthz")).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_address_has_a_limit_of_connections() {
    let gateway = start(|config| {
        config.intake.per_address = 3;
        config.intake.counts = Arc::new(|_| true);
    })
    .await;
    let open = [
        connect(&gateway).await,
        connect(&gateway).await,
        connect(&gateway).await,
    ];
    let mut refused = connect(&gateway).await;
    assert_eq!(rest(&mut refused).await, "");
    drop(open);
    timeout(PATIENCE, async {
        while reqwest::get(gateway.url("/healthz")).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}

/// A reverse proxy of the same machine connects for all its users.
#[tokio::test]
async fn connections_of_this_machine_are_not_limited_by_address() {
    let gateway = start(|config| config.intake.per_address = 1).await;
    let _open = [connect(&gateway).await, connect(&gateway).await];
    is_healthy(&gateway).await;
}

#[tokio::test]
async fn an_unfinished_message_is_cut_though_bytes_trickle_in() {
    let gateway = start(|config| config.intake.patience.message = SHORT).await;
    let token = gateway.token("ada", &["a"]).await;
    let frame = Frame::text([b'x'; 10_000]).bytes();
    // In one frame, and in fragments with pings between them.
    let mut whole = Raw::welcomed(&gateway, &token).await;
    whole.write(&frame[..20]).await;
    let mut fragments = Raw::welcomed(&gateway, &token).await;
    let parts = Frame::fragments([b'x'; 100], 1);
    let started = Instant::now();
    let whole = async {
        for byte in &frame[20..] {
            sleep(SHORT / 10).await;
            if started.elapsed() > SHORT * 3 || !whole.write(&[*byte]).await {
                break;
            }
        }
        whole.until(None).await
    };
    let fragments = async {
        for part in &parts {
            sleep(SHORT / 10).await;
            let ping = Frame::ping("x").bytes();
            if started.elapsed() > SHORT * 3
                || !fragments.write(&[part.bytes(), ping].concat()).await
            {
                break;
            }
        }
        fragments.until(None).await
    };
    let (whole, fragments) = tokio::join!(whole, fragments);
    let close = Event::Close(CloseCode::IdleTimeout.code());
    assert!(whole.contains(&close), "{whole:?}");
    assert!(fragments.contains(&close), "{fragments:?}");
}

/// Whatever length a frame has by its head, before the token is verified little of it is taken.
#[tokio::test]
async fn an_unfinished_hello_is_cut_at_its_limit() {
    let gateway = Running::start().await;
    let mut raw = Raw::open(&gateway, "").await;
    let head = Frame::text("").head(200_000);
    raw.write(&[head, vec![b'x'; HELLO_BYTES + 20_000]].concat())
        .await;
    let close = Event::Close(CloseCode::FrameTooLarge.code());
    assert_eq!(raw.until(None).await.first(), Some(&close));
}

#[tokio::test]
async fn a_pause_between_messages_is_no_delay() {
    let gateway = start(|config| config.intake.patience.message = SHORT).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for _ in 0..3 {
        sleep(SHORT * 2).await;
        is_served(&mut ada).await;
    }
}

/// The largest are refused first, with a reason; what is small and what is welcome goes on.
#[tokio::test]
async fn unfinished_messages_share_a_budget() {
    const BUDGET: usize = 4 << 20;
    let gateway = start(|config| config.intake.buffered_bytes = BUDGET).await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let token = gateway.token("eve", &["a"]).await;
    let head = Frame::text("").head(200_000);
    let mut kept = Vec::new();
    let mut refused = 0;
    for _ in 0..40 {
        let mut raw = Raw::welcomed(&gateway, &token).await;
        raw.write(&[head.clone(), vec![b'x'; 190_000]].concat())
            .await;
        // A ping is answered only after what precedes it, which never ends: so the close is awaited a while.
        match timeout(Duration::from_millis(50), raw.next()).await {
            Ok(event) => {
                assert_eq!(event, Event::Close(CloseCode::Overloaded.code()));
                refused += 1;
            }
            Err(_) => kept.push(raw),
        }
    }
    assert!(refused > 10, "{refused} refused, {} kept", kept.len());
    assert!(buffered(&gateway).await <= BUDGET as u64);
    assert!(kept.len() > 5, "{refused} refused, {} kept", kept.len());
    is_served(&mut ada).await;
    // A body of usual size finds room too.
    gateway.token("bob", &["a"]).await;
    drop(kept);
    timeout(PATIENCE, async {
        while buffered(&gateway).await > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the budget is whole again");
}

/// A body that finds no room is refused.
#[tokio::test]
async fn bodies_share_the_budget() {
    let gateway = start(|config| config.intake.buffered_bytes = 1 << 20).await;
    let post = |size: usize| {
        let request = gateway.http.post(gateway.url("/v1/auth"));
        request.bearer_auth(API_KEY).body("x".repeat(size)).send()
    };
    let refused = crate::support::error_of(post(200_000).await.unwrap()).await;
    assert_eq!((refused.0, &*refused.1), (503, "unavailable"));
    let wrong = crate::support::error_of(post(1_000).await.unwrap()).await;
    assert_eq!(wrong.0, 400);
}

/// Bytes of unfinished messages, by the gateway's own count.
async fn buffered(gateway: &Running) -> u64 {
    let text = gateway
        .http
        .get(gateway.url("/metrics"))
        .send()
        .await
        .unwrap();
    let text = text.text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("alo_buffered_bytes "));
    line.unwrap().parse().unwrap()
}

/// An answer that its reader does not take.
#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut() {
    let gateway = start(|config| config.files.pace.window = SHORT).await;
    let mut socket = connect(&gateway).await;
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    // As many answers as the buffers between them hold, and more.
    let flood = async {
        loop {
            if socket.write_all(request).await.is_err() {
                break;
            }
        }
    };
    timeout(PATIENCE, flood).await.expect("the gateway cuts it");
    is_healthy(&gateway).await;
}

#[tokio::test]
async fn every_answer_has_security_headers() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    for (method, path) in [
        (Method::GET, "/healthz"),
        (Method::GET, "/metrics"),
        (Method::GET, "/nowhere"),
        (Method::POST, "/healthz"),
        (Method::POST, "/v1/auth"),
        (Method::GET, "/v1/connect"),
        (Method::OPTIONS, "/v1/files"),
        (Method::POST, "/v1/files"),
        (Method::GET, "/channels/a/chat_messages"),
    ] {
        let request = gateway.http.request(method.clone(), gateway.url(path));
        let request = request.header("origin", "http://localhost");
        let answer = request.bearer_auth(&token).send().await.unwrap();
        let what = format!("{method} {path}: {}", answer.status());
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{what}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"), "{what}");
        let policy = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(header("content-security-policy"), Some(policy), "{what}");
    }
}

#[tokio::test]
async fn metrics_have_an_address_of_their_own() {
    let address = free_address();
    let gateway = start(|config| {
        config.intake.metrics_listen = Some(address.parse().unwrap());
    })
    .await;
    let public = gateway.http.get(gateway.url("/metrics")).send().await;
    assert_eq!(public.unwrap().status(), 404);
    let get = |path: &str| gateway.http.get(format!("http://{address}{path}")).send();
    let text = get("/metrics").await.unwrap().text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let health = get("/healthz").await.unwrap();
    assert_eq!(health.headers()["x-content-type-options"], "nosniff");
    assert_eq!(health.status(), 200);
    assert_eq!(get("/v1/files").await.unwrap().status(), 404);
    is_healthy(&gateway).await;
}

/// The program's allocator returns what a flood has used, and no thread of it needs to allocate for that.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_is_returned_after_a_flood() {
    const SOCKETS: u64 = 400;
    const MIB: u64 = 1 << 20;
    let data = TempDir::new().unwrap();
    let flags = [
        "--api-key",
        PROCESS_KEY,
        "--buffered-mib",
        "65536",
        "--unlimited",
    ];
    let process = Process::start_with(data.path(), &flags, Stdio::null()).await;
    let token = crate::support::token(&process.endpoint, PROCESS_KEY, "ada", &["a"]).await;
    let resident = || {
        let status = format!("/proc/{}/status", process.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().split_whitespace().next().unwrap();
        kib.parse::<u64>().unwrap() * 1_024
    };
    drop(Raw::welcomed_at(&process.endpoint, &token).await);
    let start = resident();
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut raw = Raw::welcomed_at(&process.endpoint, &token).await;
        let head = Frame::text("").head(250_000);
        raw.write(&[head, vec![b'x'; 249_000]].concat()).await;
        sockets.push(raw);
    }
    let full = start + SOCKETS * 200_000;
    timeout(PATIENCE, async {
        while resident() < full {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the flood is held");
    drop(sockets);
    let bound = start * 5 / 4 + 12 * MIB;
    let returned = timeout(PATIENCE * 2, async {
        while resident() > bound {
            sleep(Duration::from_millis(100)).await;
        }
    });
    let is_returned = returned.await.is_ok();
    assert!(
        is_returned,
        "{} of {start} MiB, {} now",
        full / MIB,
        resident() / MIB
    );
}

/// New files, and those of an earlier version or a copy.
#[cfg(unix)]
#[tokio::test]
async fn data_is_for_the_gateways_user_alone() {
    use std::os::unix::fs::PermissionsExt;

    let root = TempDir::new().unwrap();
    let data = root.path().join("data");
    let mut process = Process::start(&data).await;
    let mut ada = process.connect("ada").await;
    is_served(&mut ada).await;
    let token = crate::support::token(&process.endpoint, PROCESS_KEY, "ada", &["a"]).await;
    uploaded(upload_request(
        &process.endpoint,
        &token,
        "eA==",
        vec![7; 1_000],
    ))
    .await;
    let entries = entries(&data);
    let has = |name: &str| entries.iter().any(|path| path.ends_with(name));
    assert!(
        [
            "chat.db",
            "chat.db-wal",
            "chat.witness",
            "jwt-secret",
            "files"
        ]
        .into_iter()
        .all(has)
    );
    let objects = entries
        .iter()
        .filter(|path| path.starts_with(data.join("files")));
    assert!(objects.filter(|path| path.is_file()).count() > 0);
    let check = || {
        for path in &entries {
            // The database's helpers come and go.
            if let Ok(metadata) = path.metadata() {
                let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
                let mode = metadata.permissions().mode() & 0o777;
                assert_eq!(mode, expected, "{} has {mode:o}", path.display());
            }
        }
    };
    check();

    process.child.kill().await.unwrap();
    for path in &entries {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let process = Process::start(&data).await;
    process.connect("ada").await;
    check();
}

/// A folder and all that is in it.
#[cfg(unix)]
fn entries(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next) {
        if path.is_dir() {
            let inside = std::fs::read_dir(path).unwrap();
            let inside: Vec<_> = inside.map(|entry| entry.unwrap().path()).collect();
            found.extend(inside);
        }
        next += 1;
    }
    found
}

/// An address of this machine that was free a moment ago.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
