//! What is compared with: the same libraries and the same disk without a gateway.

use std::{fs, io::Write, path::Path, time::Duration};

use alo_gateway::{
    random,
    store::{Change, Draft, Opening, SqliteStore, Store},
};
use futures_util::{SinkExt, StreamExt};
use rusqlite::{Connection, params};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, error::RecvError},
};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{
        Message,
        protocol::{WebSocketConfig, frame::Utf8Bytes},
    },
};

use crate::{
    Result,
    stats::{self, Latencies, Window},
};

/// Frames a subscriber of the broadcast may be behind.
const QUEUE: usize = 4_096;
/// A body as the gateway's database holds it, bytes.
const BODY: usize = 330;

/// The purpose of a connection to the bare server, sent in its first frame.
pub mod role {
    /// To receive what others publish.
    pub const SUBSCRIBE: &str = "subscribe";
    /// To publish every further frame.
    pub const PUBLISH: &str = "publish";
    /// To have every further frame back.
    pub const ECHO: &str = "echo";
    /// To have every further frame answered with the next one.
    pub const ANSWER: &str = "answer";
}

/// A server that sends each frame of a publisher, as it is, to every subscriber.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let (frames, _) = broadcast::channel(QUEUE);
    loop {
        let (stream, _) = listener.accept().await?;
        let frames = frames.clone();
        tokio::spawn(async move {
            // A client that has left is no fault.
            let _ = connection(stream, frames).await;
        });
    }
}

async fn connection(stream: TcpStream, frames: broadcast::Sender<Utf8Bytes>) -> Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    let Some(Ok(Message::Text(role))) = socket.next().await else {
        return Ok(());
    };
    if role == role::SUBSCRIBE {
        let mut frames = frames.subscribe();
        socket.send(Message::Text(role)).await?;
        loop {
            match frames.recv().await {
                Ok(frame) => socket.send(Message::Text(frame)).await?,
                Err(RecvError::Lagged(frames)) => {
                    return Err(format!("{frames} frames were lost").into());
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
    let (echo, answer) = (role == role::ECHO, role == role::ANSWER);
    socket.send(Message::Text(role)).await?;
    if answer {
        let Some(Ok(Message::Text(ready))) = socket.next().await else {
            return Ok(());
        };
        while let Some(Ok(Message::Text(_))) = socket.next().await {
            socket.send(Message::Text(ready.clone())).await?;
        }
        return Ok(());
    }
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        if echo {
            socket.send(Message::Text(text)).await?;
        } else {
            // Nobody may be listening.
            let _ = frames.send(text);
        }
    }
    Ok(())
}

/// Bare commits of one row each, with the gateway's settings.
pub struct Commits {
    connection: Connection,
    body: String,
}

impl Commits {
    /// Over a new database in this folder.
    pub fn open(folder: &Path) -> Result<Self> {
        let connection = Connection::open(folder.join("bare.db"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("CREATE TABLE rows (id BLOB PRIMARY KEY, body TEXT) STRICT;")?;
        Ok(Self {
            connection,
            body: "x".repeat(BODY),
        })
    }

    /// One row, one transaction.
    pub fn commit(&mut self) -> Result<()> {
        let key = random::uuid(stats::now() / 1_000_000);
        self.connection
            .prepare_cached("INSERT INTO rows (id, body) VALUES (?1, ?2)")?
            .execute(params![key.as_bytes(), self.body])?;
        Ok(())
    }
}

/// How long each commit took, one after the other.
pub fn commits(folder: &Path, span: Duration) -> Result<(Window, Latencies)> {
    let mut commits = Commits::open(folder)?;
    repeat(span, || commits.commit())
}

/// How long each write with its `fdatasync` took, one after the other.
pub fn syncs(folder: &Path, span: Duration) -> Result<(Window, Latencies)> {
    let mut file = fs::File::create(folder.join("bare.log"))?;
    let page = [b'x'; 4_096];
    repeat(span, || {
        file.write_all(&page)?;
        Ok(file.sync_data()?)
    })
}

/// How long the gateway's store took for each batch of so many messages.
pub fn store(folder: &Path, span: Duration, batch: usize) -> Result<(Window, Latencies)> {
    let mut store = SqliteStore::open(
        &folder.join(format!("store-{batch}.db")),
        &Opening::new(false),
    )?;
    repeat(span, || {
        let now_ms = stats::now() / 1_000_000;
        let changes = (0..batch)
            .map(|_| {
                Ok(Change::Send(Draft {
                    id: random::uuid(now_ms),
                    key: random::uuid(now_ms),
                    channel: "a".parse()?,
                    user_id: "user".into(),
                    content: "x".repeat(BODY / 3),
                    metadata: None,
                    parent_id: None,
                    file_ids: Vec::new(),
                    now_ms,
                }))
            })
            .collect::<Result<Vec<_>>>()?;
        for result in store.commit(changes) {
            result.map_err(|error| error.message)?;
        }
        Ok(())
    })
}

fn repeat(span: Duration, mut act: impl FnMut() -> Result<()>) -> Result<(Window, Latencies)> {
    let window = Window::opening_soon(span);
    let mut latencies = Latencies::default();
    loop {
        let started = stats::now();
        act()?;
        let done = stats::now();
        if done >= window.until {
            return Ok((window, latencies));
        }
        if window.contains(done) {
            latencies.add(done - started);
        }
    }
}
