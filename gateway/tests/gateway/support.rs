//! A gateway in this process, and small clients for it.

use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};

use alo_gateway::{
    config::{Config, Flags},
    http::serve,
    start::Gateway,
};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        Message, client::IntoClientRequest, handshake::client::Request, http::HeaderValue,
        protocol::CloseFrame,
    },
};

pub const API_KEY: &str = "an api key for tests, of 32 bytes";
const JWT_SECRET: &str = "a secret for tests, of 32 bytes!";
/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway with a data folder of its own.
pub struct Running {
    pub endpoint: String,
    pub http: reqwest::Client,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    data: TempDir,
}

impl Running {
    pub async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap(), &[]).await
    }

    pub async fn start_in(data: TempDir, flags: &[&str]) -> Self {
        Self::start_with(data, flags, |_| {}).await
    }

    /// With settings that are no flags.
    pub async fn start_with(data: TempDir, flags: &[&str], set: impl FnOnce(&mut Config)) -> Self {
        let path = data.path().to_str().unwrap();
        let base = [
            "alo-gateway",
            "--data",
            path,
            "--api-key",
            API_KEY,
            "--jwt-secret",
            JWT_SECRET,
        ];
        let mut config = Config::prepare(Flags::parse_from(base.iter().chain(flags))).unwrap();
        set(&mut config);
        let Gateway { state, stop, .. } = Gateway::start(&config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { serve(listener, state).await.unwrap() });
        Self {
            endpoint,
            http: reqwest::Client::new(),
            stop,
            server,
            data,
        }
    }

    /// Stops it in good order and starts another over the same data.
    pub async fn restart(self) -> Self {
        let Self {
            stop,
            server,
            data,
            http,
            ..
        } = self;
        stop.send(true).unwrap();
        drop(http);
        timeout(PATIENCE, server)
            .await
            .expect("the server stops")
            .unwrap();
        Self::start_in(data, &[]).await
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint)
    }

    /// How many event connections are open, by the gateway's own count.
    pub async fn connections(&self) -> u64 {
        self.metric("alo_connections").await
    }

    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.http.get(self.url("/metrics")).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    }

    pub async fn token(&self, user: &str, channels: &[&str]) -> String {
        token(&self.endpoint, API_KEY, user, channels).await
    }

    /// The code that a hello with this token closes with; none if it is welcomed.
    pub async fn refusal(&self, token: &str) -> Option<u16> {
        refusal(&self.endpoint, token).await
    }

    pub async fn socket(&self) -> Socket {
        Socket::open(&self.endpoint).await
    }

    /// A socket that has been welcomed.
    pub async fn welcomed(&self, user: &str, channels: &[&str]) -> Socket {
        let token = self.token(user, channels).await;
        let mut socket = self.socket().await;
        socket.hello(&token).await;
        socket
    }
}

pub async fn token(endpoint: &str, api_key: &str, user: &str, channels: &[&str]) -> String {
    let body = json!({"user": {"id": user}, "channelIds": channels});
    let request = reqwest::Client::new()
        .post(format!("{endpoint}/v1/auth"))
        .bearer_auth(api_key)
        .json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    body["token"].as_str().unwrap().to_owned()
}

/// The code that a hello with this token closes with; none if it is welcomed.
async fn refusal(endpoint: &str, token: &str) -> Option<u16> {
    let mut socket = Socket::open(endpoint).await;
    socket
        .send_text(&json!({"hello": {"token": token}}).to_string())
        .await;
    match socket.next().await {
        Got::Item(item) => {
            assert!(item["welcome"].is_object(), "{item}");
            None
        }
        Got::Closed(frame) => Some(frame.expect("a close frame").code.into()),
    }
}

/// Waits until something holds.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it holds in time");
}

/// The error of an answer, after its shape has been checked.
pub async fn error_of(response: reqwest::Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("an error has a JSON body");
    let data = &body["status"]["errorData"];
    assert_eq!(body["status"]["error"], true);
    assert_eq!(data["statusCode"], status);
    assert!(data["retryable"].is_boolean());
    (
        status,
        data["code"].as_str().unwrap().to_owned(),
        data["message"].as_str().unwrap().to_owned(),
    )
}

/// An event connection, seen item by item.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    items: std::collections::VecDeque<Value>,
    next_id: u64,
}

/// What a socket receives.
#[derive(Debug)]
pub enum Got {
    Item(Value),
    Closed(Option<CloseFrame>),
}

impl Socket {
    pub async fn open(endpoint: &str) -> Self {
        Self::open_with(request(endpoint, None)).await
    }

    /// One that a page of this origin opens.
    pub async fn open_from(endpoint: &str, origin: &str) -> Self {
        Self::open_with(request(endpoint, Some(origin))).await
    }

    pub async fn open_with(request: Request) -> Self {
        let (stream, response) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "alo.v1.json");
        Self {
            stream,
            items: std::collections::VecDeque::new(),
            next_id: 1,
        }
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends many frames, so quickly that they come together.
    pub async fn send_texts(&mut self, texts: impl Iterator<Item = String>) {
        for text in texts {
            self.stream.feed(Message::text(text)).await.unwrap();
        }
        self.stream.flush().await.unwrap();
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// Returns the welcome.
    pub async fn hello(&mut self, token: &str) -> Value {
        self.send_text(&json!({"hello": {"token": token}}).to_string())
            .await;
        self.item().await["welcome"].take()
    }

    /// Resumes these channels; returns their recoveries.
    pub async fn resume(&mut self, channels: Value) -> Value {
        let mut reply = self.call("resume", json!({"channels": channels})).await;
        reply["result"]["channels"].take()
    }

    /// Sends a request; returns its id.
    pub async fn request(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_text(&json!({"id": id, "method": method, "params": params}).to_string())
            .await;
        id
    }

    /// Sends a request and waits for its reply; pushes that come before it are dropped.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        loop {
            let item = self.item().await;
            if item["id"] == id {
                return item;
            }
        }
    }

    pub async fn next(&mut self) -> Got {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Got::Item(item);
            }
            match timeout(PATIENCE, self.stream.next())
                .await
                .expect("something comes")
            {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text).unwrap() {
                    Value::Array(items) => self.items.extend(items),
                    item => self.items.push_back(item),
                },
                Some(Ok(Message::Close(frame))) => return Got::Closed(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Got::Closed(None),
            }
        }
    }

    pub async fn item(&mut self) -> Value {
        match self.next().await {
            Got::Item(item) => item,
            Got::Closed(frame) => panic!("closed: {frame:?}"),
        }
    }

    /// The code and reason of the close that comes next.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Got::Item(_) => {}
                Got::Closed(frame) => {
                    let frame = frame.expect("a close frame");
                    return (frame.code.into(), frame.reason.to_string());
                }
            }
        }
    }
}

/// A request for an event connection.
pub fn request(endpoint: &str, origin: Option<&str>) -> Request {
    let mut request = format!("{}/v1/connect", endpoint.replacen("http", "ws", 1))
        .into_client_request()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert(
        "sec-websocket-protocol",
        HeaderValue::from_static("alo.v1.json"),
    );
    if let Some(origin) = origin {
        headers.insert("origin", HeaderValue::from_str(origin).unwrap());
    }
    request
}

/// The API key of a [`Process`].
pub const PROCESS_KEY: &str = API_KEY;

const PROGRAM: &str = env!("CARGO_BIN_EXE_alo-gateway");

/// The gateway as a program, killed when dropped.
pub struct Process {
    pub child: Child,
    pub endpoint: String,
}

impl Process {
    pub async fn start(data: &Path) -> Self {
        Self::start_logged(data, Stdio::null()).await
    }

    /// Logs more than a gateway usually does.
    pub async fn start_logged(data: &Path, log: Stdio) -> Self {
        Self::start_with(data, &["--api-key", PROCESS_KEY], log).await
    }

    /// With these flags.
    pub async fn start_with(data: &Path, flags: &[&str], log: Stdio) -> Self {
        Self::run(Command::new(PROGRAM), data, flags, log).await
    }

    /// With so many open files at most, and these flags.
    #[cfg(unix)]
    pub async fn start_limited(data: &Path, files: usize, flags: &[&str], log: Stdio) -> Self {
        let mut shell = Command::new("sh");
        let command = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        shell.args(["-c", &command, PROGRAM]);
        let flags = [&["--api-key", PROCESS_KEY], flags].concat();
        Self::run(shell, data, &flags, log).await
    }

    async fn run(mut command: Command, data: &Path, flags: &[&str], log: Stdio) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(flags)
            .stdout(Stdio::piped())
            .env("RUST_LOG", "debug")
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let endpoint = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("the gateway listens");
            if let Some(endpoint) = line.strip_prefix("listening on ") {
                break endpoint.to_owned();
            }
        };
        Self { child, endpoint }
    }

    /// Sends it a SIGHUP.
    pub fn hang_up(&self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = rustix::process::Pid::from_raw(pid.unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// A token of this API key, once it is accepted.
    pub async fn token_when_accepted(&self, api_key: &str) -> String {
        let is_accepted = async || {
            let body = json!({"user": {"id": "ada"}, "channelIds": ["a"]});
            let request = reqwest::Client::new()
                .post(format!("{}/v1/auth", self.endpoint))
                .bearer_auth(api_key)
                .json(&body);
            request.send().await.unwrap().status() == StatusCode::OK
        };
        eventually(is_accepted).await;
        token(&self.endpoint, api_key, "ada", &["a"]).await
    }

    pub async fn is_welcome(&self, token: &str) -> bool {
        refusal(&self.endpoint, token).await.is_none()
    }

    pub async fn connect(&self, user: &str) -> Socket {
        let token = token(&self.endpoint, PROCESS_KEY, user, &["a"]).await;
        let mut socket = Socket::open(&self.endpoint).await;
        socket.hello(&token).await;
        socket
    }
}

/// A file system in memory; unmounted when dropped.
pub struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    pub fn mount(path: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let done = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .output()
            .ok()?;
        done.status.success().then_some(Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may hold it for a moment.
        let _ = std::process::Command::new("umount")
            .arg("--lazy")
            .arg(self.0)
            .status();
    }
}

/// A connection that has done nothing wrong can send.
pub async fn is_served(socket: &mut Socket) {
    let params = json!({"key": key(0xffff), "channelId": "a", "content": "x"});
    let sent = socket.call("message.send", params).await;
    assert!(sent.get("result").is_some());
}

/// SQLite's own check of a database, with its write-ahead log.
pub fn check_integrity(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

/// A request that uploads a whole file of this base64 name to channel `a`.
pub fn upload_request(
    endpoint: &str,
    token: &str,
    name: &str,
    body: impl Into<Vec<u8>>,
) -> RequestBuilder {
    let body = body.into();
    reqwest::Client::new()
        .post(format!("{endpoint}/v1/files"))
        .bearer_auth(token)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", body.len())
        .header("upload-metadata", format!("channelId YQ==,filename {name}"))
        .header("content-type", "application/offset+octet-stream")
        .body(body)
}

/// The id of the file that was uploaded.
pub async fn uploaded(request: RequestBuilder) -> String {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap();
    location.rsplit('/').next().unwrap().to_owned()
}

/// Parameters of `message.send`.
pub fn send(number: u64, channel: &str, content: &str) -> Value {
    json!({"key": key(number), "channelId": channel, "content": content})
}

/// A UUID made of a number.
pub fn key(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}
