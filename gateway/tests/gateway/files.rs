//! Uploads by tus and downloads.

use std::time::Duration;

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
        let gateway = Running::start().await;
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

#[tokio::test]
async fn what_the_server_can_do_is_announced() {
    let ada = Uploader::new().await;
    let response = ada
        .gateway
        .http
        .request(Method::OPTIONS, ada.gateway.url("/v1/files"))
        .send()
        .await
        .unwrap();
    assert!(response.status().is_success());
    let headers = response.headers();
    assert_eq!(headers["tus-version"], "1.0.0");
    assert_eq!(
        headers["tus-extension"],
        "creation,creation-with-upload,termination,checksum,expiration"
    );
    assert_eq!(headers["tus-checksum-algorithm"], "sha1,sha256");
    assert_eq!(headers["tus-max-size"], "8589934592");
    let old = ada
        .gateway
        .http
        .post(ada.gateway.url("/v1/files"))
        .bearer_auth(&ada.token);
    let response = old.header("tus-resumable", "0.2.2").send().await.unwrap();
    assert_eq!(response.headers()["tus-version"], "1.0.0");
    assert_eq!(response.headers()["tus-resumable"], "1.0.0");
    assert_eq!(error_of(response).await.1, "unsupported-version");
}

#[tokio::test]
async fn a_file_in_pieces_is_one_file() {
    let ada = Uploader::new().await;
    let all = bytes(20_000_000);
    let path = ada.created(all.len()).await;
    assert_eq!(ada.offset(&path).await, 0);
    let mut offset = 0;
    for size in [1, 999, 17_000_000, 2_999_000] {
        let response = ada
            .patch(&path, offset, &all[offset..offset + size])
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 204);
        offset += size;
        assert_eq!(number(&response, "upload-offset"), offset as u64);
        assert!(response.headers().contains_key("upload-expires"));
    }
    assert_eq!(ada.offset(&path).await, all.len() as u64);
    let whole = ada.get(&path, ("accept", "*/*")).await;
    assert_eq!(whole.headers()["content-length"], all.len().to_string());
    assert!(whole.bytes().await.unwrap() == all, "the bytes differ");
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=999-1001", 999, 1_002),
        ("bytes=-5", all.len() - 5, all.len()),
    ] {
        let part = ada.get(&path, ("range", range)).await;
        assert_eq!(part.status(), 206);
        assert_eq!(
            part.headers()["content-range"],
            format!("bytes {from}-{}/{}", to - 1, all.len())
        );
        assert_eq!(part.bytes().await.unwrap(), all[from..to]);
    }
    let beyond = ada.get(&path, ("range", "bytes=20000000-")).await;
    assert_eq!(beyond.headers()["content-range"], "bytes */20000000");
    assert_eq!(error_of(beyond).await.1, "range-not-satisfiable");
}

#[tokio::test]
async fn a_small_file_goes_in_one_request_and_an_empty_one_too() {
    let ada = Uploader::new().await;
    let request = ada
        .create(5)
        .header("content-type", OFFSET_STREAM)
        .body("hello");
    let response = request.send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            number(&response, "upload-offset")
        ),
        (201, 5)
    );
    let hello = location(&response);
    let empty = ada.created(0).await;
    let reply = ada.send(1, &[&hello, &empty]).await;
    let files = &reply["result"]["message"]["files"];
    assert_eq!(files[0]["name"], "ä.txt");
    assert_eq!(files[0]["url"], hello);
    assert_eq!(
        (&files[0]["size"], &files[1]["size"]),
        (&json!(5), &json!(0))
    );
    assert_eq!(files[0]["lastModified"], 1_700_000_000_000_i64);
    assert_eq!(files[0]["contentType"], "text/plain");
    assert_eq!(
        ada.get(&empty, ("accept", "*/*"))
            .await
            .bytes()
            .await
            .unwrap(),
        ""
    );
}

#[tokio::test]
async fn a_repeated_creation_is_the_same_upload() {
    let ada = Uploader::new().await;
    let create = |size| {
        let request = ada.create(size).header("idempotency-key", key(5));
        request
            .header("content-type", OFFSET_STREAM)
            .body("hel")
            .send()
    };
    let first = create(5).await.unwrap();
    let again = create(5).await.unwrap();
    assert_eq!(location(&first), location(&again));
    // Its first bytes are not taken twice.
    assert_eq!(
        (
            number(&first, "upload-offset"),
            number(&again, "upload-offset")
        ),
        (3, 3)
    );
    assert_eq!(
        error_of(create(6).await.unwrap()).await.1,
        "idempotency-conflict"
    );
}

#[tokio::test]
async fn a_wrong_offset_type_or_length_is_refused_and_changes_nothing() {
    let ada = Uploader::new().await;
    let path = ada.created(10).await;
    assert_eq!(
        ada.patch(&path, 0, b"abc").send().await.unwrap().status(),
        204
    );
    let wrong = ada.patch(&path, 0, b"abc").send().await.unwrap();
    assert_eq!(error_of(wrong).await.1, "offset-mismatch");
    // How much fits is reported only for the right offset.
    let late = ada.patch(&path, 0, &[0; 10]).send().await.unwrap();
    assert_eq!(error_of(late).await.1, "offset-mismatch");
    let beyond = ada.patch(&path, 3, &[0; 8]).send().await.unwrap();
    assert_eq!(error_of(beyond).await.1, "file-too-large");
    let kind = ada
        .request(Method::PATCH, &path)
        .header("upload-offset", 3)
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(kind).await.0, 415);
    let missing = ada
        .request(Method::PATCH, &path)
        .header("content-type", OFFSET_STREAM)
        .body("x")
        .send()
        .await
        .unwrap();
    assert!(error_of(missing).await.2.starts_with("Upload-Offset"));
    assert_eq!(ada.offset(&path).await, 3);
    for (header, value, word) in [
        ("upload-length", "-1", "Upload-Length"),
        ("upload-length", "9999999999999", "Upload-Length"),
        ("upload-metadata", "filename eA==", "channelId"),
        ("upload-defer-length", "1", "Upload-Defer-Length"),
    ] {
        let mut request = ada.create(1).build().unwrap();
        request.headers_mut().insert(header, value.parse().unwrap());
        let error = error_of(ada.gateway.http.execute(request).await.unwrap()).await;
        assert!(
            error.2.starts_with(word) || error.2.contains(word),
            "{}",
            error.2
        );
    }
}

#[tokio::test]
async fn bytes_with_another_checksum_are_not_kept() {
    let ada = Uploader::new().await;
    let all = bytes(9_000_000);
    let path = ada.created(all.len()).await;
    let digest = |bytes: &[u8]| format!("sha1 {}", STANDARD.encode(Sha1::digest(bytes)));
    let wrong = ada
        .patch(&path, 0, &all)
        .header("upload-checksum", digest(b"other"))
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(wrong).await.0, 460);
    assert_eq!(ada.offset(&path).await, 0);
    let right = ada
        .patch(&path, 0, &all)
        .header("upload-checksum", digest(&all))
        .send()
        .await
        .unwrap();
    assert_eq!(right.status(), 204);
    assert!(
        ada.get(&path, ("accept", "*/*"))
            .await
            .bytes()
            .await
            .unwrap()
            == all
    );
}

#[tokio::test]
async fn what_came_before_a_cut_is_kept() {
    let ada = Uploader::new().await;
    let path = ada.created(1_000_000).await;
    let mut socket = half_a_patch(&ada, &path, 1_000_000, &bytes(600_000)).await;
    until_received(&ada, 600_000).await;
    socket.shutdown().await.unwrap();
    drop(socket);
    // The newer request waits for the older to be settled, so this is where it stands.
    goes_on_at_600_000(&ada, &path).await;
}

#[tokio::test]
async fn a_newer_request_takes_over_from_one_that_hangs() {
    let ada = Uploader::new().await;
    let path = ada.created(1_000_000).await;
    // It stays open and says nothing more.
    let hanging = half_a_patch(&ada, &path, 1_000_000, &bytes(600_000)).await;
    until_received(&ada, 600_000).await;
    goes_on_at_600_000(&ada, &path).await;
    drop(hanging);
}

#[tokio::test]
async fn uploads_outlive_a_restart() {
    let Uploader { gateway, token } = Uploader::new().await;
    let ada = Uploader { gateway, token };
    let path = ada.created(6).await;
    assert_eq!(
        ada.patch(&path, 0, b"abc").send().await.unwrap().status(),
        204
    );
    let Uploader { gateway, token } = ada;
    let ada = Uploader {
        gateway: gateway.restart().await,
        token,
    };
    assert_eq!(ada.offset(&path).await, 3);
    assert_eq!(
        ada.patch(&path, 3, b"def").send().await.unwrap().status(),
        204
    );
    assert_eq!(
        ada.get(&path, ("accept", "*/*"))
            .await
            .text()
            .await
            .unwrap(),
        "abcdef"
    );
}

#[tokio::test]
async fn an_ended_upload_is_gone_and_one_of_a_message_cannot_be_ended() {
    let ada = Uploader::new().await;
    let path = ada.uploaded(b"abc").await;
    let id = path.rsplit('/').next().unwrap();
    let folder = ada.gateway.data().join("files").join(id);
    assert!(folder.exists());
    assert_eq!(
        ada.request(Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert!(!folder.exists(), "the bytes are gone");
    assert_eq!(
        ada.request(Method::HEAD, &path)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        ada.send(1, &[&path]).await["error"]["code"],
        "file-not-found"
    );

    let kept = ada.uploaded(b"abc").await;
    assert!(ada.send(2, &[&kept]).await.get("result").is_some());
    let refused = ada.request(Method::DELETE, &kept).send().await.unwrap();
    assert_eq!(error_of(refused).await.1, "file-in-use");
}

#[tokio::test]
async fn a_file_belongs_to_one_message_and_must_be_whole() {
    let ada = Uploader::new().await;
    let (half, whole) = (ada.created(3).await, ada.uploaded(b"abc").await);
    assert_eq!(
        ada.send(1, &[&whole, &half]).await["error"]["code"],
        "file-incomplete"
    );
    let first = ada.send(2, &[&whole]).await;
    assert_eq!(
        first["result"]["message"]["files"][0]["size"], 3,
        "the refused message has not taken it"
    );
    assert_eq!(
        ada.send(2, &[&whole]).await["result"],
        first["result"],
        "the same message, sent again"
    );
    assert_eq!(ada.send(3, &[&whole]).await["error"]["code"], "file-in-use");
}

#[tokio::test]
async fn files_are_seen_by_those_who_may() {
    let ada = Uploader::new().await;
    let path = ada.uploaded(b"abc").await;
    let token_of = async |user: &str, channel: &str| ada.gateway.token(user, &[channel]).await;
    let status = async |token: &str, method: Method| {
        let request = ada
            .gateway
            .http
            .request(method, ada.gateway.url(&path))
            .bearer_auth(token);
        request
            .header("tus-resumable", "1.0.0")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let (member, stranger) = (token_of("bob", "a").await, token_of("bob", "b").await);
    assert_eq!(
        status(&member, Method::GET).await,
        404,
        "not before it is sent"
    );
    assert_eq!(status(&member, Method::HEAD).await, 404);
    assert_eq!(status(&member, Method::DELETE).await, 404);
    assert!(ada.send(1, &[&path]).await.get("result").is_some());
    assert_eq!(status(&member, Method::GET).await, 200);
    assert_eq!(status(&stranger, Method::GET).await, 404);
    assert_eq!(
        status(&token_of("ada", "b").await, Method::GET).await,
        404,
        "nor with a token of another channel"
    );
    let nobody = ada
        .gateway
        .http
        .get(ada.gateway.url(&path))
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(nobody).await.1, "token-missing");
    let outside = ada.create(1).header("upload-metadata", "x");
    let mut outside = outside.build().unwrap();
    outside
        .headers_mut()
        .insert("upload-metadata", metadata("b", "x", "").parse().unwrap());
    assert_eq!(
        error_of(ada.gateway.http.execute(outside).await.unwrap())
            .await
            .1,
        "channel-forbidden"
    );
}

#[tokio::test]
async fn nothing_downloaded_can_run() {
    let ada = Uploader::new().await;
    let upload = async |name: &str, kind: &str| {
        let mut request = ada
            .create(1)
            .header("content-type", OFFSET_STREAM)
            .body("x")
            .build()
            .unwrap();
        request.headers_mut().insert(
            "upload-metadata",
            metadata("a", name, kind).parse().unwrap(),
        );
        location(&ada.gateway.http.execute(request).await.unwrap())
    };
    for (name, kind, served, disposition) in [
        (
            "x.html",
            "text/html",
            "application/octet-stream",
            "attachment",
        ),
        (
            "x.svg",
            "image/svg+xml",
            "application/octet-stream",
            "attachment",
        ),
        ("x.png", "image/png", "image/png", "inline"),
        (
            "x\r\nSet-Cookie: a=b",
            "text/html\r\nx: y",
            "application/octet-stream",
            "attachment",
        ),
    ] {
        let path = upload(name, kind).await;
        let response = ada.get(&path, ("accept", "*/*")).await;
        let headers = response.headers();
        assert_eq!(headers["content-type"], served);
        assert!(
            headers["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with(disposition)
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'; sandbox"
        );
        assert!(headers.get("set-cookie").is_none());
        let etag = headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(ada.get(&path, ("if-none-match", &etag)).await.status(), 304);
    }
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

/// Of a million bytes so many are stored; the rest completes it.
async fn goes_on_at_600_000(ada: &Uploader, path: &str) {
    assert_eq!(ada.offset(path).await, 600_000);
    let rest = &bytes(1_000_000)[600_000..];
    assert_eq!(
        ada.patch(path, 600_000, rest)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert!(
        ada.get(path, ("accept", "*/*"))
            .await
            .bytes()
            .await
            .unwrap()
            == bytes(1_000_000)
    );
}

/// Waits until the gateway has taken so many bytes from its sockets.
async fn until_received(ada: &Uploader, bytes: u64) {
    let wanted = format!("alo_upload_bytes_total {bytes}\n");
    for _ in 0..1_000 {
        let metrics = ada
            .gateway
            .http
            .get(ada.gateway.url("/metrics"))
            .send()
            .await
            .unwrap();
        if metrics.text().await.unwrap().contains(&wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{bytes} bytes were not received");
}
