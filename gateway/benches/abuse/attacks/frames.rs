//! Frames that cost more than they should.

use tokio::io::AsyncWriteExt;

use super::Target;
use crate::{Result, peer};

/// Of a hello, bytes.
const HELLO: u64 = 900_000;
/// How often a channel is named in a frame: as often as the largest frame has room for.
const NAMES: usize = 23_824;

/// A hello that lacks its last byte.
pub async fn hello(target: &Target) -> Result<()> {
    let mut stream = peer::upgrade(&target.address, None).await?;
    stream.write_all(&peer::frame_head(HELLO)).await?;
    stream.write_all(&vec![b' '; HELLO as usize - 1]).await?;
    peer::drain(stream).await;
    Ok(())
}

/// Frame after frame names the same channel.
pub async fn subscribes(target: &Target) -> Result<()> {
    let stream = peer::hello(&target.address, &target.token).await?;
    let (read, mut write) = stream.into_split();
    let reading = tokio::spawn(peer::drain(read));
    let channels = vec![r#"{"id":"a"}"#; NAMES].join(",");
    for id in 1_u64.. {
        let frame =
            format!(r#"{{"id":{id},"method":"subscribe","params":{{"channels":[{channels}]}}}}"#);
        if write.write_all(&peer::text(&frame)).await.is_err() {
            break;
        }
    }
    reading.await?;
    Ok(())
}
