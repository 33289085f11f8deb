//! Reads what is left of a refused body, so that the client receives the answer: to a browser a connection that
//! is closed during the body is a network error, and it would retry for ever.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt;
use tokio::time::timeout;

/// How much of it is read. The SDK's smallest requests are shorter, and it makes them smaller after failures.
const BYTES: usize = 1 << 20;
const TIME: Duration = Duration::from_secs(5);

/// Reads and discards the rest, within bounds.
pub(crate) async fn drain(mut body: BodyDataStream) {
    let rest = async {
        let mut read = 0;
        while let Some(Ok(chunk)) = body.next().await {
            read += chunk.len();
            if read > BYTES {
                break;
            }
        }
    };
    // Only for the client's benefit; a slow one is answered as well.
    let _ = timeout(TIME, rest).await;
}
