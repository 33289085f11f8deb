//! Uploads by tus and downloads.

mod download;
mod interruption;
mod message;
mod pace;
mod parts;
mod quota;
mod tus;

use std::time::Duration;

use alo_gateway::config::Config;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{Running, error_of, key};

const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// A user who uploads.
struct Uploader {
    gateway: Running,
    token: String,
}

impl Uploader {
    async fn new() -> Self {
        Self::with(&[], |_| {}).await
    }

    /// With flags, and with settings that are no flags.
    async fn with(flags: &[&str], set: impl FnOnce(&mut Config)) -> Self {
        let gateway = Running::start_with(tempfile::tempdir().unwrap(), flags, set).await;
        let token = gateway.token("ada", &["a"]).await;
        Self { gateway, token }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.gateway.http.request(method, self.gateway.url(path));
        request
            .bearer_auth(&self.token)
            .header("tus-resumable", "1.0.0")
    }

    fn create(&self, size: usize) -> RequestBuilder {
        self.request(Method::POST, "/v1/files")
            .header("upload-length", size)
            .header("upload-metadata", metadata("a", "ä.txt", "text/plain"))
    }

    async fn created(&self, size: usize) -> String {
        let response = self.create(size).send().await.unwrap();
        assert_eq!(response.status(), 201);
        location(&response)
    }

    fn patch(&self, path: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
        self.request(Method::PATCH, path)
            .header("upload-offset", offset)
            .header("content-type", OFFSET_STREAM)
            .body(bytes.to_vec())
    }

    async fn offset(&self, path: &str) -> u64 {
        let response = self.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        number(&response, "upload-offset")
    }

    /// Waits until a line of the metrics is this one.
    async fn until_metric(&self, line: &str) {
        for _ in 0..1_000 {
            let metrics = self.gateway.http.get(self.gateway.url("/metrics"));
            let metrics = metrics.send().await.unwrap().text().await.unwrap();
            if metrics.lines().any(|found| found == line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never became {line}");
    }

    /// The names and sizes of the objects of a file, in order.
    fn objects(&self, path: &str) -> Vec<(String, u64)> {
        let id = path.rsplit('/').next().unwrap();
        let mut objects: Vec<_> = std::fs::read_dir(self.gateway.data().join("files").join(id))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        objects.sort();
        objects
    }

    async fn uploaded(&self, bytes: &[u8]) -> String {
        let path = self.created(bytes.len()).await;
        assert_eq!(
            self.patch(&path, 0, bytes).send().await.unwrap().status(),
            204
        );
        path
    }

    /// Sends a message with files.
    async fn send(&self, number: u64, paths: &[&str]) -> Value {
        let ids: Vec<_> = paths
            .iter()
            .map(|path| path.rsplit('/').next().unwrap())
            .collect();
        let mut socket = self.gateway.welcomed("ada", &["a"]).await;
        let params = json!({"key": key(number), "channelId": "a", "content": "", "fileIds": ids});
        socket.call("message.send", params).await
    }

    /// The bytes of a file.
    async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path, ("accept", "*/*")).await;
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().into()
    }

    async fn get(&self, path: &str, header: (&str, &str)) -> Response {
        self.request(Method::GET, path)
            .header(header.0, header.1)
            .send()
            .await
            .unwrap()
    }
}

fn metadata(channel: &str, name: &str, kind: &str) -> String {
    let pairs = [
        ("channelId", channel),
        ("filename", name),
        ("filetype", kind),
        ("lastModified", "1700000000000"),
    ];
    pairs
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .join(",")
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

fn number(response: &Response, header: &str) -> u64 {
    response.headers()[header]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index * 31 % 251) as u8).collect()
}

/// Opens a PATCH and sends a part of the body it announces.
async fn half_a_patch(ada: &Uploader, path: &str, length: usize, bytes: &[u8]) -> TcpStream {
    let host = ada.gateway.endpoint.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: 0\r\nContent-Type: {OFFSET_STREAM}\r\nContent-Length: {length}\r\n\r\n",
        ada.token
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket.flush().await.unwrap();
    socket
}
