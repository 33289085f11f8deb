//! Connections whose client must read what it has asked for. One that reads nothing, or a byte now and then,
//! would hold an answer in memory for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use crate::files::{Pace, Progress};

/// How much the kernel takes that it has not sent. Without a bound it takes megabytes, and then nothing for
/// minutes from a client that reads slowly but steadily.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT_BYTES: u32 = 128 << 10;

/// A connection that fails when its client reads too slowly.
pub(crate) struct Steady {
    pub(super) stream: TcpStream,
    progress: Progress,
    blocked: Option<Blocked>,
}

/// A write waits for the client.
struct Blocked {
    since: Instant,
    /// Until it is judged.
    patience: Pin<Box<Sleep>>,
}

impl Steady {
    pub(crate) fn new(stream: TcpStream, pace: Pace) -> io::Result<Self> {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES)?;
        Ok(Self {
            stream,
            progress: Progress::new(pace),
            blocked: None,
        })
    }

    /// Writes, and measures for how long the client keeps it from writing.
    fn measured(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match write(Pin::new(&mut self.stream), cx) {
            Poll::Ready(Ok(count)) => {
                let waited = self.blocked.take().map(|blocked| blocked.since.elapsed());
                self.judge(waited.unwrap_or_default(), count as u64)?;
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => loop {
                let left = self.progress.left();
                let blocked = self.blocked.get_or_insert_with(|| Blocked {
                    since: Instant::now(),
                    patience: Box::pin(sleep(left)),
                });
                ready!(blocked.patience.as_mut().poll(cx));
                let waited = blocked.since.elapsed();
                self.blocked = None;
                self.judge(waited, 0)?;
            },
        }
    }

    fn judge(&mut self, waited: std::time::Duration, bytes: u64) -> io::Result<()> {
        self.progress.took(waited, bytes).map_err(|slow| {
            tracing::debug!(%slow, "a client reads too slowly");
            // What the kernel has of the answer is of no use either.
            let _ = self.stream.set_zero_linger();
            io::Error::new(io::ErrorKind::TimedOut, slow.to_string())
        })
    }
}

impl AsyncRead for Steady {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Steady {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.measured(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.measured(cx, |stream, cx| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
