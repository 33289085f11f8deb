//! Connections byte by byte, for what no well-behaved client would send.

use std::net::SocketAddr;

use alo_protocol::{CONNECT_PATH, SUBPROTOCOL};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::Result;

/// The attacker's address: on loopback, but not that of the client that chats.
const FROM: &str = "127.0.0.66:0";
/// Longest head of an answer, bytes.
const HEAD: usize = 16 * 1024;

/// Connects from the attacker's address.
pub async fn connect(address: &str) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(FROM.parse()?)?;
    Ok(socket.connect(address.parse::<SocketAddr>()?).await?)
}

/// Sends a request; returns the head of the answer, and leaves its body unread.
pub async fn request(stream: &mut TcpStream, head: &str, body: &[u8]) -> Result<String> {
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    answer(stream).await
}

/// The head of the next answer.
pub async fn answer(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err("the answer has no end".into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head)?)
}

/// Opens an event socket that has not said hello, from a page of this origin.
pub async fn upgrade(address: &str, origin: Option<&str>) -> Result<TcpStream> {
    let mut stream = connect(address).await?;
    let origin = origin.map_or_else(String::new, |origin| format!("Origin: {origin}\r\n"));
    let head = format!(
        "GET {CONNECT_PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n{origin}\r\n"
    );
    let answer = request(&mut stream, &head, b"").await?;
    if answer.starts_with("HTTP/1.1 101") {
        Ok(stream)
    } else {
        Err(answer.into())
    }
}

/// Opens an event socket and says hello, without waiting for the welcome.
pub async fn hello(address: &str, token: &str) -> Result<TcpStream> {
    let mut stream = upgrade(address, None).await?;
    let hello = format!(r#"{{"hello":{{"token":"{token}"}}}}"#);
    stream.write_all(&text(&hello)).await?;
    Ok(stream)
}

/// A text frame.
pub fn text(payload: &str) -> Vec<u8> {
    let mut frame = frame_head(payload.len() as u64);
    frame.extend(payload.as_bytes());
    frame
}

/// What precedes the payload of a text frame; its mask of zeros leaves the payload as it is.
pub fn frame_head(length: u64) -> Vec<u8> {
    let mut head = vec![0x81, 0x80 | 127];
    head.extend(length.to_be_bytes());
    head.extend([0; 4]);
    head
}

/// Reads and discards until the end.
pub async fn drain(mut stream: impl AsyncReadExt + Unpin) {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
