//! One open event socket: moves frames between a WebSocket and its [`Session`].

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use alo_protocol::{ChannelId, CloseCode, Cursor, ErrorBody, Limits};
use axum::{
    Error,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::{FuturesOrdered, FuturesUnordered, SplitSink, SplitStream},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tungstenite::error::ProtocolError;

use crate::{
    auth::Tokens,
    clock::Clock,
    frames,
    hub::{Delivery, LocalBus, Subscriber},
    metrics::Metrics,
    random,
    readers::LogReaders,
    session::{Input, Output, Session},
    store::{Committed, LogEvent},
    writer::Writer,
};

/// What is taken at once of one kind before the other kinds have their turn.
const AT_ONCE: usize = 256;
/// How long the other side has to take the close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// What connections use.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) tokens: Arc<Tokens>,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) writer: Writer,
    pub(super) log: LogReaders,
    pub(super) bus: LocalBus,
    pub(super) metrics: Arc<Metrics>,
    /// Turns true when the gateway stops.
    pub(super) stopping: watch::Receiver<bool>,
    /// Event connections that are open.
    pub(super) open: watch::Sender<usize>,
}

type Sink = SplitSink<WebSocket, Message>;

/// One socket with all that is under way for it.
pub(super) struct Connection {
    state: Connections,
    session: Session,
    subscriber: Subscriber,
    stream: SplitStream<WebSocket>,
    /// Here while nothing is being written.
    sink: Option<Sink>,
    writing: Option<BoxFuture<'static, (Sink, Result<(), Error>)>>,
    queue: VecDeque<Arc<str>>,
    ping: bool,
    /// Why it ends, and until when the other side has to take what is queued.
    closing: Option<(Farewell, Instant)>,
    /// Answers of the writer come in the order asked.
    answers: FuturesOrdered<BoxFuture<'static, Answer>>,
    pages: FuturesUnordered<BoxFuture<'static, Page>>,
}

/// Why a connection ends, as the other side is told.
#[derive(Clone, Copy)]
struct Farewell {
    code: u16,
    reason: &'static str,
}

impl Farewell {
    /// A frame that WebSocket itself forbids (RFC 6455, 7.4.1).
    const PROTOCOL_ERROR: Self = Self {
        code: 1002,
        reason: "protocol-error",
    };
    /// Text that is not UTF-8 (likewise).
    const INVALID_TEXT: Self = Self {
        code: 1007,
        reason: "invalid-text",
    };
}

impl From<CloseCode> for Farewell {
    fn from(code: CloseCode) -> Self {
        Self {
            code: code.code(),
            reason: code.as_str(),
        }
    }
}

/// A page of a channel's log, as read.
type Page = (ChannelId, Result<Vec<LogEvent>, ErrorBody>);

enum Answer {
    Committed(u64, Result<Committed, ErrorBody>),
    Heads(u64, Result<Vec<Cursor>, ErrorBody>),
}

impl Connection {
    pub(super) fn new(state: Connections, socket: WebSocket) -> Self {
        let now_ms = state.clock.now_ms();
        let session = Session::new(
            state.tokens.clone(),
            state.limits.clone(),
            random::uuid(now_ms),
            now_ms,
        );
        let (sink, stream) = socket.split();
        state.metrics.connections.inc();
        state.open.send_modify(|open| *open += 1);
        Self {
            session,
            subscriber: state.bus.subscriber(),
            stream,
            sink: Some(sink),
            writing: None,
            queue: VecDeque::new(),
            ping: false,
            closing: None,
            answers: FuturesOrdered::new(),
            pages: FuturesUnordered::new(),
            state,
        }
    }

    /// In a box, as a future holds its arguments twice.
    pub(super) async fn run(mut self: Box<Self>) {
        let mut stopped = pin!(stopped(self.state.stopping.clone()));
        // Set anew only when something is due before it rings: most deadlines move away as things happen.
        let (mut alarm, mut alarm_ms) = (pin!(sleep(Duration::ZERO)), u64::MAX);
        let was_closed = loop {
            self.carry_out().await;
            self.write();
            if let (Some((farewell, _)), None) = (self.closing, &self.writing) {
                self.close(farewell).await;
                break false;
            }
            let deadline = self.session.next_timeout().unwrap_or(u64::MAX);
            if deadline < alarm_ms {
                alarm_ms = deadline;
                let wait = deadline.saturating_sub(self.state.clock.now_ms());
                alarm.set(sleep(Duration::from_millis(wait)));
            }
            let open = self.closing.is_none();
            let reads = open && self.session.wants_frames();
            tokio::select! {
                Some((sink, result)) = OptionFuture::from(self.writing.as_mut()) => {
                    self.writing = None;
                    self.sink = Some(sink);
                    if result.is_err() {
                        break false;
                    }
                    let all = self.queue.is_empty();
                    self.input(Input::Wrote(all));
                }
                Some(answer) = self.answers.next(), if open => {
                    self.answered(answer);
                    for _ in 1..AT_ONCE {
                        let Some(Some(answer)) = self.answers.next().now_or_never() else {
                            break;
                        };
                        self.answered(answer);
                    }
                }
                Some((channel, page)) = self.pages.next(), if open => self.input(Input::Page(channel, page)),
                delivery = self.subscriber.next(), if open => {
                    self.delivered(delivery);
                    for _ in 1..AT_ONCE {
                        let Some(delivery) = self.subscriber.ready() else {
                            break;
                        };
                        self.delivered(delivery);
                    }
                }
                message = self.stream.next(), if reads => match message {
                    Some(Ok(Message::Text(text))) => self.input(Input::Frame(&text)),
                    Some(Ok(Message::Binary(_))) => self.input(Input::Binary),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.input(Input::Alive),
                    Some(Ok(Message::Close(_))) => break true,
                    Some(Err(error)) => match Violation::of(&error) {
                        Some(Violation::Size) => self.input(Input::TooLarge),
                        Some(Violation::Text) => self.end(Farewell::INVALID_TEXT),
                        Some(Violation::Framing) => self.end(Farewell::PROTOCOL_ERROR),
                        None => break false,
                    },
                    None => break false,
                },
                () = stopped.as_mut(), if open => self.input(Input::Shutdown),
                () = alarm.as_mut(), if open => {
                    alarm_ms = u64::MAX;
                    self.input(Input::Timeout);
                }
                () = OptionFuture::from(self.closing.map(|(_, until)| sleep_until(until))).map(drop), if !open => {
                    // It takes nothing, not even the farewell.
                    if let Some((farewell, _)) = self.closing {
                        self.state.metrics.closed(farewell.reason);
                    }
                    break false;
                }
            }
        };
        if was_closed {
            self.acknowledge().await;
        }
    }

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Committed(op, result) => self.input(Input::Committed(op, result)),
            Answer::Heads(op, result) => self.input(Input::Heads(op, result)),
        }
    }

    fn delivered(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event(event) => self.input(Input::Published(event)),
            Delivery::Lagged => self.input(Input::Lagged),
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.state.clock.now_ms(), input);
    }

    /// Closes when what is queued has been written.
    fn end(&mut self, farewell: Farewell) {
        self.closing = Some((farewell, Instant::now() + CLOSE_PATIENCE));
    }

    /// Does what the session asks for. Queueing for the writer may wait: then no more frames are read,
    /// which holds back the client.
    async fn carry_out(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(item) => self.queue.push_back(item),
                Output::Ping => self.ping = true,
                Output::Close(code) => self.end(code.into()),
                Output::Commit(op, submission) => {
                    let pending = self.state.writer.commit(submission).await;
                    self.answers.push_back(Box::pin(async move {
                        Answer::Committed(op, pending.answer().await)
                    }));
                }
                Output::Heads(op, channels) => {
                    let pending = self.state.writer.heads(channels).await;
                    self.answers.push_back(Box::pin(async move {
                        Answer::Heads(op, pending.answer().await)
                    }));
                }
                Output::Read(channel, after) => {
                    let log = self.state.log.clone();
                    self.pages.push(Box::pin(async move {
                        let wanted = channel.clone();
                        let page =
                            tokio::task::spawn_blocking(move || log.read(&wanted, after)).await;
                        (
                            channel,
                            page.unwrap_or_else(|error| Err(crate::error::internal(error))),
                        )
                    }));
                }
                Output::Join(channel) => self.subscriber.join(channel),
                Output::Leave(channel) => self.subscriber.leave(&channel),
            }
        }
    }

    /// Starts to write what waits, many items in one frame. While it is being written more gather.
    fn write(&mut self) {
        if self.queue.is_empty() && !self.ping {
            return;
        }
        let Some(mut sink) = self.sink.take() else {
            return;
        };
        let message = if std::mem::take(&mut self.ping) {
            Message::Ping(bytes::Bytes::new())
        } else {
            Message::Text(self.next_frame())
        };
        self.writing = Some(Box::pin(async move {
            let result = sink.send(message).await;
            (sink, result)
        }));
    }

    fn next_frame(&mut self) -> Utf8Bytes {
        let (text, items) = frames::next_frame(&mut self.queue);
        self.state.metrics.frames_sent.inc();
        self.state.metrics.items_sent.inc_by(items as u64);
        text.into()
    }

    /// Says why and gives the other side a while to take it.
    async fn close(&mut self, Farewell { code, reason }: Farewell) {
        self.state.metrics.closed(reason);
        let Some(mut sink) = self.sink.take() else {
            return;
        };
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let farewell = async {
            if sink.send(Message::Close(Some(frame))).await.is_ok() {
                // Until the other side has answered, so that the reason is not lost with the socket.
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // One that does not answer is cut.
        let _ = timeout(CLOSE_PATIENCE, farewell).await;
    }

    /// Answers a close: the answer is queued already, and reading writes it.
    async fn acknowledge(&mut self) {
        let answer = async { while let Some(Ok(_)) = self.stream.next().await {} };
        // One that does not take it is cut.
        let _ = timeout(CLOSE_PATIENCE, answer).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.metrics.connections.dec();
        self.state.open.send_modify(|open| *open -= 1);
    }
}

/// Ends when the gateway stops.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        // Nobody is left to stop it.
        std::future::pending().await
    }
}

/// What was wrong with a frame, by the rules of WebSocket.
enum Violation {
    /// It went beyond the limit.
    Size,
    /// Its text is not UTF-8.
    Text,
    /// Its form or place is forbidden.
    Framing,
}

impl Violation {
    /// The socket tells it as an error of reading; `None` if it only broke.
    fn of(error: &Error) -> Option<Self> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = source {
            match error.downcast_ref() {
                Some(tungstenite::Error::Capacity(_)) => return Some(Self::Size),
                Some(tungstenite::Error::Utf8(_)) => return Some(Self::Text),
                // The end of the stream without a close.
                Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                    return None;
                }
                Some(tungstenite::Error::Protocol(_)) => return Some(Self::Framing),
                Some(_) | None => source = error.source(),
            }
        }
        None
    }
}
