//! A light client for the gateway and the bare server, which reads only what it measures.

use alo_gateway::random;
use alo_protocol::{CONNECT_PATH, SUBPROTOCOL};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        handshake::client::Request,
        http::HeaderValue,
        protocol::{WebSocketConfig, frame::Utf8Bytes},
    },
};

use crate::{Result, stats};

/// The content of messages, after the time they were sent.
const TEXT: &str =
    "I think the train leaves at nine, so let us meet in front of the station at half past eight.";
/// Digits of a time in a message.
const STAMP: usize = 20;
/// Read buffer of a socket that is to receive much, bytes.
const BUSY: usize = 64 * 1024;
/// Read buffer of one that is not.
const IDLE: usize = 512;

/// A connection.
pub struct Socket(WebSocketStream<TcpStream>);

/// Its sending half.
pub struct Sender(SplitSink<WebSocketStream<TcpStream>, Message>);

/// Its receiving half.
pub struct Receiver(SplitStream<WebSocketStream<TcpStream>>);

impl Socket {
    /// Connects to the bare server.
    pub async fn bare(address: &str) -> Result<Self> {
        let request = format!("ws://{address}").into_client_request()?;
        Self::open(address, request, BUSY).await
    }

    /// Connects to the gateway and has itself welcomed, with these subscriptions.
    pub async fn welcomed(address: &str, token: &str, channels: &[&str]) -> Result<Self> {
        Self::gateway(address, token, channels, BUSY).await
    }

    /// The same with small buffers, for ten thousand of them.
    pub async fn welcomed_idle(address: &str, token: &str, channels: &[&str]) -> Result<Self> {
        Self::gateway(address, token, channels, IDLE).await
    }

    async fn gateway(address: &str, token: &str, channels: &[&str], buffer: usize) -> Result<Self> {
        let mut request = format!("ws://{address}{CONNECT_PATH}").into_client_request()?;
        request.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::from_static(SUBPROTOCOL),
        );
        let mut socket = Self::open(address, request, buffer).await?;
        socket.hello(token, channels).await?;
        Ok(socket)
    }

    async fn open(address: &str, request: Request, buffer: usize) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(buffer)
            .write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self(stream))
    }

    async fn hello(&mut self, token: &str, channels: &[&str]) -> Result<()> {
        let hello = json!({"hello": {"token": token}});
        self.send(hello.to_string()).await?;
        let welcome = self.next().await?;
        if !welcome.starts_with(r#"{"welcome""#) {
            return Err(format!("no welcome: {welcome}").into());
        }
        if channels.is_empty() {
            return Ok(());
        }
        let channels: Vec<_> = channels.iter().map(|id| json!({ "id": id })).collect();
        let params = json!({ "channels": channels });
        self.send(json!({"id": 0, "method": "subscribe", "params": params}).to_string())
            .await?;
        let reply = self.next().await?;
        if reply.starts_with(r#"{"id":0,"result""#) {
            Ok(())
        } else {
            Err(format!("not subscribed: {reply}").into())
        }
    }

    /// Sends one frame at once.
    pub async fn send(&mut self, text: String) -> Result<()> {
        Ok(self.0.send(Message::text(text)).await?)
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Utf8Bytes> {
        text(&mut self.0).await
    }

    /// Both halves.
    pub fn split(self) -> (Sender, Receiver) {
        let (sender, receiver) = self.0.split();
        (Sender(sender), Receiver(receiver))
    }
}

impl Sender {
    /// Sends one frame at once.
    pub async fn send(&mut self, text: String) -> Result<()> {
        Ok(self.0.send(Message::text(text)).await?)
    }
}

impl Receiver {
    /// The next frame.
    pub async fn next(&mut self) -> Result<Utf8Bytes> {
        text(&mut self.0).await
    }
}

async fn text(stream: &mut (impl StreamExt<Item = Incoming> + Unpin)) -> Result<Utf8Bytes> {
    while let Some(message) = stream.next().await {
        match message? {
            Message::Text(text) => return Ok(text),
            Message::Close(frame) => return Err(format!("closed: {frame:?}").into()),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    Err("the connection ended".into())
}

type Incoming = std::result::Result<Message, tokio_tungstenite::tungstenite::Error>;

/// A `message.send` that carries this time.
pub fn message(id: u64, channel: &str, stamp: u64) -> String {
    let key = random::uuid(stats::now() / 1_000_000);
    format!(
        r#"{{"id":{id},"method":"message.send","params":{{"key":"{key}","channelId":"{channel}","content":"{stamp:0STAMP$} {TEXT}"}}}}"#
    )
}

/// A push as the gateway makes it of such a message, for a server that only passes it on.
pub fn push(seq: u64, stamp: u64) -> String {
    push_of(seq, &format!("{stamp:0STAMP$} {TEXT}"))
}

/// A push of any text that needs no escape.
pub fn push_of(seq: u64, content: &str) -> String {
    let id = random::uuid(stats::now() / 1_000_000);
    format!(
        r#"{{"channel":"a","epoch":"0011223344556677","seq":{seq},"event":{{"type":"message.new","data":{{"message":{{"id":"{id}","channelId":"a","userId":"user","timestamp":"1750000000000","content":"{content}","metadata":{{}},"rootMessageId":null,"i18n":{{}},"files":[],"actions":[]}}}}}}}}"#
    )
}

/// The replies in a frame, by request.
///
/// # Errors
/// When one of them is an error.
pub fn replies(frame: &str) -> Result<impl Iterator<Item = u64>> {
    if frame.contains(r#","error":"#) {
        return Err(format!("refused: {frame}").into());
    }
    Ok(frame
        .match_indices(r#"{"id":"#)
        .filter_map(|(at, open)| number(&frame[at + open.len()..])))
}

/// That the only request under way was answered.
///
/// # Errors
/// When it was refused, or the frame is none of its.
pub fn answered(frame: &str) -> Result<()> {
    match replies(frame)?.count() {
        1 => Ok(()),
        count => Err(format!("{count} replies instead of one: {frame}").into()),
    }
}

/// The times carried by the messages in a frame.
pub fn stamps(frame: &str) -> impl Iterator<Item = u64> {
    frame
        .match_indices(r#""content":""#)
        .filter_map(|(at, open)| number(&frame[at + open.len()..]))
}

fn number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    text[..end].parse().ok()
}
