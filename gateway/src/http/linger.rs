//! Connections that send without delay and close gracefully.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum_server::accept::Accept;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    runtime::Handle,
    time::timeout,
};

/// How long the client may still send after the gateway has stopped reading.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes discarded per read.
const WASTE: usize = 16 * 1024;

/// Accepts connections as [`Lingering`]. Data is sent without delay: a push after a reply would otherwise
/// wait until the client has acknowledged the reply, about 40 ms (RFC 896, RFC 1122).
#[derive(Clone, Copy)]
pub(crate) struct LingeringAcceptor;

impl<S> Accept<TcpStream, S> for LingeringAcceptor {
    type Stream = Lingering;
    type Service = S;
    type Future = Ready<io::Result<(Lingering, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(stream.set_nodelay(true).map(|()| {
            let stream = Lingering {
                stream: Some(stream),
                ended: false,
            };
            (stream, service)
        }))
    }
}

/// A connection that is closed in two steps (RFC 9112, 9.6): what arrives after the last answer is read and
/// discarded for a while. A socket closed with unread bytes is reset, and the reset may destroy the answer, or
/// the close code, before the client has read it.
pub(crate) struct Lingering {
    /// `None` only while it is dropped.
    stream: Option<TcpStream>,
    /// Nothing more can arrive.
    ended: bool,
}

impl Lingering {
    fn poll<T>(
        &mut self,
        act: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let result = act(Pin::new(stream));
        self.ended |= matches!(result, Poll::Ready(Err(_)));
        result
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (room, before) = (buffer.remaining(), buffer.filled().len());
        let result = self.poll(|stream| stream.poll_read(cx, buffer));
        let nothing = room > 0 && buffer.filled().len() == before;
        self.ended |= nothing && matches!(result, Poll::Ready(Ok(())));
        result
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(cx))
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        // Without a runtime the process is ending.
        if let (false, Some(stream), Ok(runtime)) =
            (self.ended, self.stream.take(), Handle::try_current())
        {
            runtime.spawn(timeout(LINGER, waste(stream)));
        }
    }
}

/// Shuts down sending, and reads until the client does the same.
async fn waste(mut stream: TcpStream) {
    if stream.shutdown().await.is_ok() {
        let mut buffer = vec![0; WASTE];
        while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn accepted_connections_send_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (stream, ()) = LingeringAcceptor
            .accept(server.unwrap().0, ())
            .await
            .unwrap();
        assert!(stream.stream.as_ref().unwrap().nodelay().unwrap());
        drop(client);
    }
}
