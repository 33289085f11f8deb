//! Connections that only exist.

use tokio::io::AsyncWriteExt;

use super::Target;
use crate::{Result, peer};

/// One that says nothing.
pub async fn silence(target: &Target) -> Result<()> {
    peer::drain(peer::connect(&target.address).await?).await;
    Ok(())
}

/// One that might speak HTTP/2.
pub async fn half_preface(target: &Target) -> Result<()> {
    let mut stream = peer::connect(&target.address).await?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n").await?;
    peer::drain(stream).await;
    Ok(())
}

/// One that is welcomed.
pub async fn socket(target: &Target) -> Result<()> {
    peer::drain(peer::hello(&target.address, &target.token).await?).await;
    Ok(())
}
