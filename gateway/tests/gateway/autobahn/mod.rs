//! The cases of the Autobahn test suite (<https://github.com/crossbario/autobahn-testsuite>), by its numbers,
//! for a server that answers requests instead of sending everything back.

mod close;
mod framing;
mod limits;
mod text;

use serde_json::json;

use crate::{
    raw::{Chops, Event, Frame, Raw},
    support::{Running, is_served, key},
};

const PROTOCOL_ERROR: u16 = 1002;
const INVALID_TEXT: u16 = 1007;
const NORMAL: u16 = 1000;

/// The id of a request that follows the frames of a case, to know that all before it was answered.
const LAST: u64 = 999_999;

/// What is sent on a connection of its own, and what must come of it.
struct Case {
    name: String,
    frames: Vec<Frame>,
    chops: Chops,
    /// What comes, in order.
    events: Vec<Event>,
    /// The close that follows; without one the connection stays open.
    close: Option<u16>,
}

impl Case {
    /// These frames are taken, and this is all that comes.
    fn served(
        name: impl Into<String>,
        frames: impl Into<Vec<Frame>>,
        events: impl Into<Vec<Event>>,
    ) -> Self {
        Self {
            name: name.into(),
            frames: frames.into(),
            chops: Chops::None,
            events: events.into(),
            close: None,
        }
    }

    /// These frames end the connection.
    fn closed(name: impl Into<String>, frames: impl Into<Vec<Frame>>, code: u16) -> Self {
        Self {
            close: Some(code),
            ..Self::served(name, frames, [])
        }
    }

    /// This comes before the connection ends.
    fn after(mut self, events: impl Into<Vec<Event>>) -> Self {
        self.events = events.into();
        self
    }

    fn chopped(mut self, chops: Chops) -> Self {
        self.chops = chops;
        self
    }

    async fn run(self, gateway: &Running, token: &str) {
        let mut raw = Raw::welcomed(gateway, token).await;
        raw.send(&self.frames, self.chops).await;
        let mut expected = self.events;
        let mut events = Vec::new();
        if self.close.is_none() {
            raw.send(&[Frame::text(last_request())], Chops::None).await;
            let last = Event::Reply(LAST);
            events.extend(raw.until(Some(&last)).await);
            raw.send(&[Frame::close(NORMAL, "")], Chops::None).await;
            expected.push(last);
        }
        if !matches!(events.last(), Some(Event::End | Event::Reset)) {
            events.extend(raw.until(None).await);
        }
        expected.extend([Event::Close(self.close.unwrap_or(NORMAL)), Event::End]);
        assert_eq!(events, expected, "case {}", self.name);
    }
}

/// Runs the cases one after the other; others are served beside them.
async fn run(cases: impl IntoIterator<Item = Case>) {
    let gateway = Running::start().await;
    let mut bystander = gateway.welcomed("ada", &["a"]).await;
    let token = gateway.token("bob", &["a"]).await;
    for case in cases {
        case.run(&gateway, &token).await;
    }
    is_served(&mut bystander).await;
    assert_eq!(gateway.connections().await, 1, "every other has ended");
}

/// A request that is answered when all before it are.
fn last_request() -> String {
    json!({"id": LAST, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}).to_string()
}

/// A request that is answered at once.
fn request(id: u64) -> String {
    json!({"id": id, "method": "unsubscribe", "params": {"channelIds": []}}).to_string()
}

/// The same in so many bytes: unknown keys are ignored.
fn request_of(id: u64, length: usize) -> String {
    let request = request(id);
    let (open, rest) = request.split_at(1);
    let empty = request.len() + r#""x":"","#.len();
    format!(r#"{open}"x":"{}",{rest}"#, "*".repeat(length - empty))
}

/// A request that is answered with its content.
fn message(number: u64, content: &[u8]) -> Vec<u8> {
    let key = key(number);
    let head = format!(
        r#"{{"id":{number},"method":"message.send","params":{{"channelId":"a","key":"{key}","content":""#
    );
    [head.as_bytes(), content, br#""}}"#].concat()
}
