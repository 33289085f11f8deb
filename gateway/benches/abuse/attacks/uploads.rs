//! Uploads that cost more than they should.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::io::AsyncWriteExt;

use super::Target;
use crate::{Result, peer};

/// Of `Upload-Metadata`, bytes.
const METADATA: usize = 360_000;
/// Of the uploads that are only created, bytes.
const LARGE: u64 = 8 << 30;
/// Of the uploads that arrive byte by byte, bytes.
const SMALL: u64 = 3_000;

/// Creates an upload; returns its path.
pub async fn create(target: &Target, length: u64, more: &str) -> Result<String> {
    let mut stream = peer::connect(&target.address).await?;
    let base64 = |text: &str| STANDARD.encode(text);
    let head = format!(
        "POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Connection: close\r\nContent-Length: 0\r\nUpload-Length: {length}\r\n\
         Upload-Metadata: filename {},filetype {},channelId {},lastModified {}{more}\r\n\r\n",
        target.token,
        base64("a"),
        base64("text/plain"),
        base64("a"),
        base64("1"),
    );
    let answer = peer::request(&mut stream, &head, b"").await?;
    let location = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location")
            .then(|| value.to_owned())
    });
    location.ok_or_else(|| answer.into())
}

/// The head of a request that appends.
pub fn append(target: &Target, path: &str, offset: u64, body: &str) -> String {
    format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n{body}\r\n\r\n",
        target.token
    )
}

/// Much metadata.
pub async fn metadata(target: &Target) -> Result<()> {
    let more = format!(",more {}", STANDARD.encode(vec![b'm'; METADATA / 4 * 3]));
    create(target, 1, &more).await.map(drop)
}

/// Many large uploads.
pub async fn creations(target: &Target) -> Result<()> {
    create(target, LARGE, "").await.map(drop)
}

/// More than was announced.
pub async fn endless(target: &Target) -> Result<()> {
    let path = create(target, 10, "").await?;
    let mut stream = peer::connect(&target.address).await?;
    let head = append(target, &path, 0, "Transfer-Encoding: chunked");
    stream.write_all(head.as_bytes()).await?;
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b'x'; 0x10000]);
    chunk.extend(b"\r\n");
    loop {
        stream.write_all(&chunk).await?;
    }
}

/// A request for each byte.
pub async fn bytes(target: &Target) -> Result<()> {
    let path = create(target, SMALL, "").await?;
    let mut stream = peer::connect(&target.address).await?;
    for offset in 0..SMALL {
        let head = append(target, &path, offset, "Content-Length: 1");
        let answer = peer::request(&mut stream, &head, b"x").await?;
        if !answer.starts_with("HTTP/1.1 204") {
            return Err(answer.into());
        }
    }
    Ok(())
}
