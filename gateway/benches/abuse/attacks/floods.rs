//! More than anyone needs of what is allowed.

use tokio::io::AsyncWriteExt;

use super::Target;
use crate::{Result, client, peer};

/// Sends without waiting for answers.
pub async fn sends(target: &Target) -> Result<()> {
    flood(target, |id| client::message(id, "a", 0)).await
}

/// Requests the largest page without waiting for answers.
pub async fn pages(target: &Target) -> Result<()> {
    flood(target, |id| {
        format!(r#"{{"id":{id},"method":"history","params":{{"channelId":"a","limit":1000}}}}"#)
    })
    .await
}

async fn flood(target: &Target, frame: impl Fn(u64) -> String) -> Result<()> {
    let stream = peer::hello(&target.address, &target.token).await?;
    let (read, mut write) = stream.into_split();
    let reading = tokio::spawn(peer::drain(read));
    for id in 1.. {
        if write.write_all(&peer::text(&frame(id))).await.is_err() {
            break;
        }
    }
    reading.await?;
    Ok(())
}

/// Requests a token with a wrong key.
pub async fn keys(target: &Target) -> Result<()> {
    let mut stream = peer::connect(&target.address).await?;
    let body = br#"{"user":{"id":"ada"},"channelIds":["lobby"]}"#;
    let head = format!(
        "POST /v1/auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer 0123456789\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    peer::request(&mut stream, &head, body).await?;
    Ok(())
}

/// Opens a socket from a page that is not allowed.
pub async fn origins(target: &Target) -> Result<()> {
    let stream = peer::upgrade(&target.address, Some("https://evil.example")).await?;
    peer::drain(stream).await;
    Ok(())
}
