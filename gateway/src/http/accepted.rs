//! One accepted connection: metered, sending without delay, closed gracefully.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    runtime::Handle,
    time::{Sleep, sleep_until, timeout},
};

use super::steady::Steady;
use crate::{
    files::Pace,
    intake::{Cut, Meter},
};

/// How long the client may still send after the gateway has stopped reading.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes discarded per read.
const WASTE: usize = 4 * 1024;

/// A connection whose [`Meter`] sees what is read, and cuts it when time, budget or its slot demand it.
///
/// Data is sent without delay: a push after a reply would otherwise wait until the client has acknowledged the
/// reply, about 40 ms (RFC 896, RFC 1122). A client that takes an answer too slowly is cut.
///
/// It is closed in two steps (RFC 9112, 9.6): what arrives after the last answer is read and discarded for a while.
/// A socket closed with unread bytes is reset, and the reset may destroy the answer, or the close code, before the
/// client has read it.
pub(crate) struct Accepted {
    /// `None` only while it is dropped.
    stream: Option<Steady>,
    meter: Arc<Meter>,
    /// Nothing more can arrive, or nobody waits for an answer.
    ended: bool,
    /// Wakes the reader at the meter's deadline; only while something is awaited.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Accepted {
    /// # Errors
    /// When the connection is gone already.
    pub(crate) fn new(stream: TcpStream, meter: Arc<Meter>, pace: Pace) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: Some(Steady::new(stream, pace)?),
            meter,
            ended: false,
            deadline: None,
        })
    }

    fn poll<T>(
        &mut self,
        act: impl FnOnce(Pin<&mut Steady>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let result = act(Pin::new(stream));
        self.ended |= matches!(result, Poll::Ready(Err(_)));
        result
    }

    fn poll_sent(
        &mut self,
        act: impl FnOnce(Pin<&mut Steady>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let result = self.poll(act);
        match &result {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut => {
                Poll::Ready(Err(self.meter.cut_slow().into()))
            }
            Poll::Ready(_) | Poll::Pending => result,
        }
    }

    /// Nothing has arrived: whether it is too late by now.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(at) = self.meter.deadline() else {
            self.deadline = None;
            return Poll::Pending;
        };
        let at = at.into();
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep_until(at)));
        if deadline.deadline() != at {
            deadline.as_mut().reset(at);
        }
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(self.meter.cut_slow().into()));
        }
        Poll::Pending
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(cut) = self.meter.cut(cx) {
            self.ended |= cut == Cut::Evicted;
            return Poll::Ready(Err(cut.into()));
        }
        let (room, before) = (buffer.remaining(), buffer.filled().len());
        let result = self.poll(|stream| stream.poll_read(cx, buffer));
        match result {
            Poll::Pending => self.poll_deadline(cx),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let count = buffer.filled().len() - before;
                self.ended |= room > 0 && count == 0;
                Poll::Ready(if count > 0 {
                    self.meter.read(count).map_err(Into::into)
                } else {
                    Ok(())
                })
            }
        }
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_sent(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_sent(|stream| stream.poll_write_vectored(cx, bytes))
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

impl Drop for Accepted {
    fn drop(&mut self) {
        // Without a runtime the process is ending.
        if let (false, Some(stream), Ok(runtime)) =
            (self.ended, self.stream.take(), Handle::try_current())
        {
            self.meter.closing();
            let meter = self.meter.clone();
            runtime.spawn(async move {
                let wasted = waste(stream);
                tokio::select! {
                    _ = timeout(LINGER, wasted) => {}
                    () = evicted(&meter) => {}
                }
            });
        }
    }
}

/// Shuts down sending, and reads until the client does the same.
async fn waste(mut stream: Steady) {
    if stream.shutdown().await.is_ok() {
        let mut buffer = vec![0; WASTE];
        while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    }
}

/// Ends when the connection's slot is needed.
async fn evicted(meter: &Meter) {
    std::future::poll_fn(|cx| {
        if meter.is_evicted(cx) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;
    use crate::intake::{Intake, IntakeConfig};

    #[tokio::test]
    async fn accepted_connections_send_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let intake = Intake::new(&IntakeConfig::default(), &Arc::default());
        let pace = Pace {
            window: LINGER,
            least: 1,
        };
        let meter = intake.admit(Ipv4Addr::LOCALHOST.into()).unwrap();
        let stream = Accepted::new(server.unwrap().0, meter, pace).unwrap();
        assert!(stream.stream.as_ref().unwrap().stream.nodelay().unwrap());
        drop(client);
    }
}
