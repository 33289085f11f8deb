//! One open event socket: moves frames between a WebSocket and the driver of its session.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use alo_protocol::{CloseCode, Cursor, ErrorBody, Limits};
use axum::{
    Error,
    extract::ws::{CloseFrame, Message, WebSocket},
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
    bus::{Delivery, LocalBus, Subscriber},
    clock::Clock,
    intake::{Cut, Meter},
    limits::{Limiter, Visitor},
    live::{Act, LiveHost, Member},
    metrics::Metrics,
    random,
    readers::LogReaders,
    session::{Driver, Farewell, Input, Op, Port, Session, Write},
    store::{Change, Committed, LogId, Query, Rows},
    writer::Writer,
};

/// How much of one kind is processed before the other kinds have their turn.
const AT_ONCE: usize = 256;
/// How long the client has to receive the close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// A frame that WebSocket itself forbids (RFC 6455, 7.4.1).
const PROTOCOL_ERROR: Farewell = Farewell {
    code: 1002,
    reason: "protocol-error",
};
/// Text that is not UTF-8 (likewise).
const INVALID_TEXT: Farewell = Farewell {
    code: 1007,
    reason: "invalid-text",
};

/// The parts of the gateway that connections use.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) tokens: Arc<Tokens>,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) limiter: Arc<Limiter>,
    pub(super) writer: Writer,
    pub(super) log: LogReaders,
    pub(super) bus: LocalBus,
    pub(super) live: LiveHost,
    pub(super) metrics: Arc<Metrics>,
    /// Turns true when the gateway stops.
    pub(super) stopping: watch::Receiver<bool>,
    /// Event connections that are open.
    pub(super) open: watch::Sender<usize>,
}

type Sink = SplitSink<WebSocket, Message>;

/// One socket with its pending operations.
pub(super) struct Connection {
    state: Connections,
    meter: Arc<Meter>,
    driver: Driver,
    asked: Asked,
    stream: SplitStream<WebSocket>,
    /// Present while nothing is being written.
    sink: Option<Sink>,
    writing: Option<BoxFuture<'static, (Sink, Result<(), Error>)>>,
    /// Until when the client must receive what is queued, once the connection is ending.
    patience: Option<Instant>,
    /// The writer answers in the order of the requests.
    commits: FuturesOrdered<BoxFuture<'static, (Op, Result<Committed, ErrorBody>)>>,
    reads: FuturesUnordered<BoxFuture<'static, Read>>,
}

/// What the session requests.
struct Asked {
    subscriber: Subscriber,
    member: Member,
    live: VecDeque<(Op, Act)>,
    commits: VecDeque<(Op, Change)>,
    heads: VecDeque<(Op, Vec<LogId>)>,
    reads: VecDeque<(Op, Query)>,
}

/// What was read.
enum Read {
    Heads(Op, Result<Vec<Cursor>, ErrorBody>),
    Rows(Op, Result<Rows, ErrorBody>),
}

impl Port for Asked {
    fn commit(&mut self, op: Op, change: Change) {
        self.commits.push_back((op, change));
    }

    fn heads(&mut self, op: Op, logs: Vec<LogId>) {
        self.heads.push_back((op, logs));
    }

    fn read(&mut self, op: Op, query: Query) {
        self.reads.push_back((op, query));
    }

    fn live(&mut self, op: Op, act: Act) {
        self.live.push_back((op, act));
    }

    fn join(&mut self, log: LogId) {
        self.subscriber.join(log);
    }

    fn leave(&mut self, log: &LogId) {
        self.subscriber.leave(log);
    }
}

impl Connection {
    /// A connection that is closed at once if there is no place for its visitor.
    pub(super) fn new(
        state: Connections,
        meter: Arc<Meter>,
        socket: WebSocket,
        visitor: Option<Visitor>,
    ) -> Self {
        meter.upgraded();
        let has_place = visitor.is_some();
        let visitor = visitor.unwrap_or_else(|| Visitor::unlimited(state.limiter.clone()));
        let session = Session::new(
            state.tokens.clone(),
            state.limits.clone(),
            Box::new(random::uuid),
            state.clock.steady_ms(),
        )
        .with_visitor(visitor);
        let mut driver = Driver::new(session);
        if !has_place {
            driver.end(CloseCode::TooManyConnections.into());
        }
        let (sink, stream) = socket.split();
        state.metrics.connections.inc();
        state.open.send_modify(|open| *open += 1);
        Self {
            driver,
            asked: Asked {
                subscriber: state.bus.subscriber(),
                member: state.live.member(),
                live: VecDeque::new(),
                commits: VecDeque::new(),
                heads: VecDeque::new(),
                reads: VecDeque::new(),
            },
            stream,
            sink: Some(sink),
            writing: None,
            patience: None,
            commits: FuturesOrdered::new(),
            reads: FuturesUnordered::new(),
            meter,
            state,
        }
    }

    /// Boxed, as a future holds its arguments twice.
    pub(super) async fn run(mut self: Box<Self>) {
        let mut stopped = pin!(stopped(self.state.stopping.clone()));
        let mut changes = self.state.tokens.access().changes();
        // Reset only for an earlier deadline: most deadlines are postponed all the time.
        let (mut alarm, mut alarm_ms) = (pin!(sleep(Duration::ZERO)), u64::MAX);
        let was_closed = loop {
            self.carry_out().await;
            if let Some(farewell) = self.write() {
                self.close(farewell).await;
                break false;
            }
            let deadline = self.driver.next_timeout().unwrap_or(u64::MAX);
            if deadline < alarm_ms {
                alarm_ms = deadline;
                let wait = deadline.saturating_sub(self.state.clock.steady_ms());
                alarm.set(sleep(Duration::from_millis(wait)));
            }
            let open = self.driver.ending().is_none();
            let reads = self.driver.wants_frames();
            if !open {
                self.patience
                    .get_or_insert_with(|| Instant::now() + CLOSE_PATIENCE);
            }
            tokio::select! {
                Some((sink, result)) = OptionFuture::from(self.writing.as_mut()) => {
                    self.writing = None;
                    self.sink = Some(sink);
                    if result.is_err() {
                        break false;
                    }
                    self.driver.wrote(self.state.clock.steady_ms(), &mut self.asked);
                }
                Some((op, result)) = self.commits.next(), if open => {
                    self.input(Input::Committed(op, result));
                    for _ in 1..AT_ONCE {
                        let Some(Some((op, result))) = self.commits.next().now_or_never() else {
                            break;
                        };
                        self.input(Input::Committed(op, result));
                    }
                }
                Some(read) = self.reads.next(), if open => match read {
                    Read::Heads(op, heads) => self.input(Input::Heads(op, heads)),
                    Read::Rows(op, rows) => self.input(Input::Rows(op, rows)),
                },
                delivery = self.asked.subscriber.next(), if open => {
                    self.delivered(delivery);
                    for _ in 1..AT_ONCE {
                        let Some(delivery) = self.asked.subscriber.ready() else {
                            break;
                        };
                        self.delivered(delivery);
                    }
                }
                message = self.stream.next(), if reads => match message {
                    Some(Ok(Message::Text(text))) => {
                        self.meter.received_message();
                        self.input(Input::Frame(&text));
                    }
                    Some(Ok(Message::Binary(_))) => self.input(Input::Binary),
                    // Browsers answer pings for a page that is frozen too: no proof that it lives.
                    Some(Ok(Message::Ping(content) | Message::Pong(content))) => {
                        self.meter.received_control(content.len());
                    }
                    Some(Ok(Message::Close(_))) => break true,
                    Some(Err(error)) => match Violation::of(&error) {
                        Some(Violation::Size) => self.input(Input::TooLarge),
                        Some(Violation::Text) => self.driver.end(INVALID_TEXT),
                        Some(Violation::Framing) => self.driver.end(PROTOCOL_ERROR),
                        Some(Violation::Cut(Cut::TooLarge)) => self.input(Input::TooLarge),
                        Some(Violation::Cut(Cut::Overloaded)) => {
                            self.driver.end(CloseCode::Overloaded.into());
                        }
                        Some(Violation::Cut(Cut::Slow)) => {
                            self.driver.end(CloseCode::IdleTimeout.into());
                        }
                        Some(Violation::Cut(Cut::Evicted)) => break false,
                        None => break false,
                    },
                    None => break false,
                },
                Ok(()) = changes.changed(), if open => self.input(Input::Access),
                () = stopped.as_mut(), if open => self.input(Input::Shutdown),
                () = alarm.as_mut(), if open => {
                    alarm_ms = u64::MAX;
                    self.input(Input::Timeout);
                }
                () = OptionFuture::from(self.patience.map(sleep_until)).map(drop), if !open => {
                    // It reads nothing, not even the close.
                    if let Some(farewell) = self.driver.ending() {
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

    fn delivered(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::News(news) => self.input(Input::News(news)),
            Delivery::Lagged => self.input(Input::Lagged),
            // Nothing keeps what signals report.
            Delivery::Missed(_) => {}
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let now_ms = self.state.clock.steady_ms();
        self.driver.set_skew(self.state.clock.skew_ms());
        self.driver.handle(now_ms, input, &mut self.asked);
    }

    /// Starts what the session has requested. Queueing for the writer may wait: then no more frames are read,
    /// which slows down the client.
    async fn carry_out(&mut self) {
        while let Some((op, act)) = self.asked.live.pop_front() {
            let answer = self.asked.member.act(act);
            self.input(Input::Live(op, answer));
        }
        while let Some((op, change)) = self.asked.commits.pop_front() {
            let pending = self.state.writer.commit(change).await;
            self.commits
                .push_back(Box::pin(async move { (op, pending.answer().await) }));
        }
        while let Some((op, logs)) = self.asked.heads.pop_front() {
            let log = self.state.log.clone();
            self.reads.push(Box::pin(
                async move { Read::Heads(op, log.heads(logs).await) },
            ));
        }
        while let Some((op, query)) = self.asked.reads.pop_front() {
            let log = self.state.log.clone();
            self.reads.push(Box::pin(
                async move { Read::Rows(op, log.read(query).await) },
            ));
        }
    }

    /// Starts writing what waits. More accumulates in the meantime. Returns why the connection ends if there is
    /// nothing left before the close.
    fn write(&mut self) -> Option<Farewell> {
        let mut sink = self.sink.take()?;
        let message = match self.driver.next_write() {
            Some(Write::Frame(text, items)) => {
                self.state.metrics.frames_sent.inc();
                self.state.metrics.items_sent.inc_by(items as u64);
                Message::Text(text.into())
            }
            Some(Write::Ping) => Message::Ping(bytes::Bytes::new()),
            other @ (Some(Write::Close(_)) | None) => {
                self.sink = Some(sink);
                return match other {
                    Some(Write::Close(farewell)) => Some(farewell),
                    Some(Write::Frame(..) | Write::Ping) | None => None,
                };
            }
        };
        self.writing = Some(Box::pin(async move {
            let result = sink.send(message).await;
            (sink, result)
        }));
        None
    }

    /// Sends the close, and waits a while for the client to receive it.
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
                // Until the client has answered, so that the reason is not lost with the socket.
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // If it does not answer, the connection is dropped.
        let _ = timeout(CLOSE_PATIENCE, farewell).await;
    }

    /// Answers a close: the answer is queued already, and reading writes it.
    async fn acknowledge(&mut self) {
        let answer = async { while let Some(Ok(_)) = self.stream.next().await {} };
        // If it does not read it, the connection is dropped.
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
        // The sender is gone: nothing can stop it any more.
        std::future::pending().await
    }
}

/// What was wrong with a frame, by the rules of WebSocket.
enum Violation {
    /// It exceeded the limit.
    Size,
    /// Its text is not UTF-8.
    Text,
    /// Its form or place is forbidden.
    Framing,
    /// None: the meter has cut the connection.
    Cut(Cut),
}

impl Violation {
    /// The socket reports it as an error of reading; `None` if it only broke.
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
                Some(tungstenite::Error::Io(error)) => return Cut::of(error).map(Self::Cut),
                Some(_) | None => source = error.source(),
            }
        }
        None
    }
}
