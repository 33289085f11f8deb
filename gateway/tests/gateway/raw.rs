//! WebSocket frames byte by byte, for what no well-behaved client would send.

use std::{io::ErrorKind, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::Running;

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// The code that represents a close without one (RFC 6455, 7.4.1).
pub const NO_CODE: u16 = 1005;
/// How long the gateway may take for anything here.
const PATIENCE: Duration = Duration::from_secs(20);
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame of a client, right or wrong.
#[derive(Clone, Debug)]
pub struct Frame {
    fin: bool,
    reserved: u8,
    opcode: u8,
    masked: bool,
    payload: Vec<u8>,
}

impl Frame {
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode,
            masked: true,
            payload: payload.as_ref().to_vec(),
        }
    }

    pub fn text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(TEXT, payload)
    }

    pub fn continuation(payload: impl AsRef<[u8]>) -> Self {
        Self::new(CONTINUATION, payload)
    }

    pub fn ping(payload: impl AsRef<[u8]>) -> Self {
        Self::new(PING, payload)
    }

    pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
    }

    /// A text in frames of so many bytes.
    pub fn fragments(text: impl AsRef<[u8]>, size: usize) -> Vec<Self> {
        let mut frames: Vec<_> = text
            .as_ref()
            .chunks(size)
            .map(|part| Self::continuation(part).more())
            .collect();
        frames.first_mut().unwrap().opcode = TEXT;
        frames.last_mut().unwrap().fin = true;
        frames
    }

    /// Others follow it.
    pub fn more(mut self) -> Self {
        self.fin = false;
        self
    }

    /// With these of the three reserved bits.
    pub fn reserved(mut self, bits: u8) -> Self {
        self.reserved = bits;
        self
    }

    pub fn unmasked(mut self) -> Self {
        self.masked = false;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(self.payload.len() as u64);
        let mask = if self.masked { MASK } else { [0; 4] };
        let payload = self.payload.iter().zip(mask.into_iter().cycle());
        bytes.extend(payload.map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// What precedes a payload, which may be of another length than the frame has.
    pub fn head(&self, length: u64) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let masked = u8::from(self.masked) << 7;
        if let Ok(length) = u8::try_from(length)
            && length < 126
        {
            bytes.push(masked | length);
        } else if let Ok(length) = u16::try_from(length) {
            bytes.push(masked | 126);
            bytes.extend(length.to_be_bytes());
        } else {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
        if self.masked {
            bytes.extend(MASK);
        }
        bytes
    }
}

/// What a connection receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Pong(Vec<u8>),
    /// The result of the request with this id.
    Reply(u64),
    /// The content of a message that was stored.
    Stored(String),
    /// Anything else in text.
    Item(Value),
    Close(u16),
    /// The connection has ended in good order.
    End,
    /// It was reset: on some systems what came before is lost with it.
    Reset,
}

/// How bytes are cut on their way.
#[derive(Clone, Copy, Debug)]
pub enum Chops {
    None,
    Frames,
    Bytes(usize),
}

/// A connection to the event socket.
pub struct Raw {
    stream: TcpStream,
    /// The head of the answer to the upgrade.
    pub head: String,
    read: Vec<u8>,
    reset: bool,
    events: std::collections::VecDeque<Event>,
}

impl Raw {
    /// A connection that is upgraded, with these headers beside those that must be.
    pub async fn open(gateway: &Running, headers: &str) -> Self {
        Self::open_at(&gateway.endpoint, headers).await
    }

    async fn open_at(endpoint: &str, headers: &str) -> Self {
        let host = endpoint.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET /v1/connect HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: alo.v1.json\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut raw = Self {
            stream,
            head: String::new(),
            read: Vec::new(),
            reset: false,
            events: std::collections::VecDeque::new(),
        };
        let end = loop {
            if let Some(at) = raw.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(raw.fill().await.unwrap() > 0, "the upgrade is answered");
        };
        raw.head = String::from_utf8(raw.read.drain(..end).collect()).unwrap();
        assert!(raw.head.starts_with("HTTP/1.1 101 "), "{}", raw.head);
        raw
    }

    /// A connection that has been welcomed.
    pub async fn welcomed(gateway: &Running, token: &str) -> Self {
        Self::welcomed_at(&gateway.endpoint, token).await
    }

    /// The same, at a gateway of any kind.
    pub async fn welcomed_at(endpoint: &str, token: &str) -> Self {
        let mut raw = Self::open_at(endpoint, "").await;
        let hello = json!({"hello": {"token": token}});
        raw.send(&[Frame::text(hello.to_string())], Chops::None)
            .await;
        match raw.next().await {
            Event::Item(item) if item.get("welcome").is_some() => raw,
            event => panic!("no welcome: {event:?}"),
        }
    }

    /// The bare connection.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends frames. What a gateway that has closed no longer takes is let go.
    pub async fn send(&mut self, frames: &[Frame], chops: Chops) {
        let frames = frames.iter().map(Frame::bytes);
        match chops {
            Chops::None => {
                self.write(&frames.collect::<Vec<_>>().concat()).await;
            }
            Chops::Frames => {
                for frame in frames {
                    self.write(&frame).await;
                }
            }
            Chops::Bytes(size) => {
                for part in frames.collect::<Vec<_>>().concat().chunks(size) {
                    self.write(part).await;
                }
            }
        }
    }

    /// Sends bytes as they are; false if the connection does not take them any more.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .expect("the gateway reads or ends");
        // It is reported once, to the first who asks.
        self.reset |= written
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        written.is_ok()
    }

    /// What comes next.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            if let Some((opcode, payload)) = self.frame() {
                self.take(opcode, payload);
                continue;
            }
            match self.fill().await {
                Ok(0) if self.reset => return Event::Reset,
                Ok(0) => return Event::End,
                Ok(_) => {}
                Err(ErrorKind::ConnectionReset) => return Event::Reset,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// All that comes until `last` or the end; a close is answered.
    pub async fn until(&mut self, last: Option<&Event>) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            events.push(event.clone());
            match event {
                Event::Close(code) => self.send(&[Frame::close(code, "")], Chops::None).await,
                Event::End | Event::Reset => return events,
                event if last == Some(&event) => return events,
                _ => {}
            }
        }
    }

    async fn fill(&mut self) -> Result<usize, ErrorKind> {
        timeout(PATIENCE, self.stream.read_buf(&mut self.read))
            .await
            .expect("something comes, or the connection ends")
            .map_err(|error| error.kind())
    }

    /// The next complete frame.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.read.first()?, *self.read.get(1)?);
        assert_eq!(first & 0xf0, 0x80, "a gateway sends whole messages");
        let (start, length) = match second {
            126 => (
                4,
                u16::from_be_bytes(self.read.get(2..4)?.try_into().unwrap()).into(),
            ),
            127 => (
                10,
                u64::from_be_bytes(self.read.get(2..10)?.try_into().unwrap()),
            ),
            length => (2, u64::from(length)),
        };
        let end = start + usize::try_from(length).unwrap();
        let payload = self.read.get(start..end)?.to_vec();
        self.read.drain(..end);
        Some((first & 0x0f, payload))
    }

    fn take(&mut self, opcode: u8, payload: Vec<u8>) {
        match opcode {
            PING => {}
            PONG => self.events.push_back(Event::Pong(payload)),
            CLOSE => {
                let code = payload.first_chunk().copied().map(u16::from_be_bytes);
                self.events.push_back(Event::Close(code.unwrap_or(NO_CODE)));
            }
            TEXT => match serde_json::from_slice(&payload).unwrap() {
                Value::Array(items) => self.events.extend(items.into_iter().map(event)),
                item => self.events.push_back(event(item)),
            },
            opcode => panic!("a frame of opcode {opcode}"),
        }
    }
}

fn event(item: Value) -> Event {
    let result = &item["result"];
    if let Some(content) = result["message"]["content"].as_str() {
        return Event::Stored(content.to_owned());
    }
    match item["id"].as_u64() {
        Some(id) if result.is_object() => Event::Reply(id),
        _ => Event::Item(item),
    }
}
