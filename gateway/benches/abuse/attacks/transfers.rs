//! Transfers that hold what they need for as long as they can.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, time::sleep};

use super::{Target, many, uploads};
use crate::{Result, peer};

/// Of each upload, bytes.
const LENGTH: u64 = 16 << 20;
/// Of it arrives at once: less than the gateway would write by itself.
const AT_ONCE: usize = (8 << 20) - 1;
/// Of the file that is downloaded, bytes.
const FILE: usize = 16 << 20;

/// An upload of which a byte arrives now and then.
pub async fn upload(target: &Target) -> Result<()> {
    let path = uploads::create(target, LENGTH, "").await?;
    let mut stream = peer::connect(&target.address).await?;
    let head = uploads::append(target, &path, 0, &format!("Content-Length: {LENGTH}"));
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b'x'; AT_ONCE]).await?;
    loop {
        sleep(Duration::from_secs(1)).await;
        stream.write_all(b"x").await?;
    }
}

/// Downloads of one file that are never read.
pub async fn downloads(target: &Target) {
    let path = loop {
        if let Ok(path) = file(target).await {
            break path;
        }
    };
    many(300, || download(target, &path)).await;
}

async fn file(target: &Target) -> Result<String> {
    let path = uploads::create(target, FILE as u64, "").await?;
    let mut stream = peer::connect(&target.address).await?;
    let head = uploads::append(target, &path, 0, &format!("Content-Length: {FILE}"));
    let answer = peer::request(&mut stream, &head, &vec![b'x'; FILE]).await?;
    if answer.starts_with("HTTP/1.1 204") {
        Ok(path)
    } else {
        Err(answer.into())
    }
}

async fn download(target: &Target, path: &str) -> Result<()> {
    let mut stream = peer::connect(&target.address).await?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        target.token
    );
    let answer = peer::request(&mut stream, &head, b"").await?;
    if !answer.starts_with("HTTP/1.1 200") {
        return Err(answer.into());
    }
    // Not read, but noticed when it is closed.
    loop {
        sleep(Duration::from_secs(1)).await;
        stream.write_all(b"\r\n").await?;
    }
}
