//! The session driven by hand over a store in memory, in which time moves only when a test says so.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "tests pick what they look for"
)]

use std::collections::VecDeque;

use alo_protocol::{AuthRequest, AuthUser};
use serde_json::{Value, json};

use super::*;
use crate::store::{Change, Draft, Log, MemoryStore, PageLimit, Query, Rows, Store};

const KEY: &str = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";

struct Driven {
    session: Session,
    store: MemoryStore,
    now: u64,
    sent: VecDeque<Value>,
    closed: Option<CloseCode>,
    joined: Vec<ChannelId>,
    /// Whether what is asked of the store is left to the test to answer.
    hold_reads: bool,
    hold_heads: bool,
    reads: VecDeque<(ChannelId, u64)>,
    heads: VecDeque<(u64, Vec<ChannelId>)>,
    /// Whether the socket takes what is sent at once.
    drains: bool,
    next_id: u32,
}

fn tokens() -> Arc<Tokens> {
    Arc::new(Tokens::new("key", b"secret"))
}

fn token(user: &str, channels: &[&str]) -> String {
    tokens().issue(
        &AuthRequest {
            ttl: 10,
            user: AuthUser { id: user.into() },
            channel_ids: channels.iter().map(|id| id.parse().unwrap()).collect(),
        },
        0,
    )
}

/// Ten bytes that differ for each number.
fn numbered(number: u32) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[6..].copy_from_slice(&number.to_be_bytes());
    bytes
}

impl Driven {
    fn new() -> Self {
        Self {
            session: Session::new(tokens(), Limits::DEFAULT, Uuid::v7(0, [0; 10]), 0),
            store: MemoryStore::new("e"),
            now: 0,
            sent: VecDeque::new(),
            closed: None,
            joined: Vec::new(),
            hold_reads: false,
            hold_heads: false,
            reads: VecDeque::new(),
            heads: VecDeque::new(),
            drains: true,
            next_id: 0,
        }
    }

    /// A connection of ada that is welcomed, with these subscriptions.
    fn open(channels: &Value) -> Self {
        let mut driven = Self::new();
        driven.hello(channels);
        driven
    }

    fn hello(&mut self, channels: &Value) -> Value {
        self.frame(&json!({"hello": {"token": token("ada", &["a", "b"]), "channels": channels}}));
        self.sent.pop_front().expect("a welcome")
    }

    fn frame(&mut self, frame: &Value) {
        self.input(Input::Frame(&frame.to_string()));
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        self.run();
    }

    fn run(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(item) => {
                    self.sent.push_back(serde_json::from_str(&item).unwrap());
                    if self.drains {
                        self.session.handle(self.now, Input::Wrote(true));
                    }
                }
                Output::Close(code) => self.closed = Some(code),
                Output::Commit(op, submission) => {
                    let committed = self.commit(submission);
                    if let Ok(Some(event)) = committed.as_ref().map(Committed::event)
                        && self.joined.contains(event.log.channel().unwrap())
                    {
                        self.session
                            .handle(self.now, Input::Published(event.clone().into()));
                    }
                    self.session
                        .handle(self.now, Input::Committed(op, committed));
                }
                Output::Heads(op, channels) if self.hold_heads => {
                    self.heads.push_back((op, channels));
                }
                Output::Heads(op, channels) => {
                    let logs: Vec<_> = channels.into_iter().map(Into::into).collect();
                    let heads = self.store.heads(&logs);
                    self.session.handle(self.now, Input::Heads(op, heads));
                }
                Output::Read(channel, after) if self.hold_reads => {
                    self.reads.push_back((channel, after));
                }
                Output::Read(channel, after) => {
                    let query = Query::Tail {
                        log: channel.clone().into(),
                        after,
                    };
                    let limit = PageLimit {
                        events: 3,
                        bytes: 1 << 20,
                    };
                    let page = self.store.read(&query, limit).map(|rows| match rows {
                        Rows::Events(events) => events,
                        Rows::Gap(_) | Rows::Page(_) => panic!("nothing is missing"),
                    });
                    self.session.handle(self.now, Input::Page(channel, page));
                }
                Output::Join(channel) => self.joined.push(channel),
                Output::Leave(channel) => self.joined.retain(|joined| *joined != channel),
                Output::Ping => {}
            }
        }
    }

    fn commit(&mut self, Submission { user_id, send }: Submission) -> Result<Committed, ErrorBody> {
        self.next_id += 1;
        let draft = Draft {
            id: Uuid::v7(1, numbered(self.next_id)),
            key: send.key,
            channel: send.channel_id,
            user_id,
            content: send.content,
            metadata: send.metadata,
            parent_id: send.parent_id,
            file_ids: send.file_ids,
            now_ms: self.now,
        };
        self.store
            .commit(vec![Change::Send(draft)])
            .pop()
            .expect("an answer")
    }

    /// Another user's message: committed, and published to this connection if it has joined.
    fn other_sends(&mut self, content: &str) -> LogEvent {
        let send = SendMessage {
            key: Uuid::v7(2, numbered(self.next_id)),
            channel_id: "a".parse().unwrap(),
            content: content.into(),
            metadata: None,
            parent_id: None,
            file_ids: vec![],
        };
        let committed = self
            .commit(Submission {
                user_id: "bob".into(),
                send,
            })
            .unwrap();
        committed.event().unwrap().clone()
    }

    fn publish(&mut self, content: &str) {
        let event = self.other_sends(content);
        self.input(Input::Published(event.into()));
    }

    fn seqs(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.sent)
            .iter()
            .filter_map(|item| item["seq"].as_u64())
            .collect()
    }

    fn reply(&mut self) -> Value {
        self.sent.pop_front().expect("a reply")
    }
}

fn send(id: u64, channel: &str) -> Value {
    json!({"id": id, "method": "message.send", "params": {"key": KEY, "channelId": channel, "content": "hi"}})
}

#[test]
fn a_connection_without_hello_or_with_a_bad_token_is_closed() {
    let mut driven = Driven::new();
    driven.now = 10_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::HelloTimeout));

    for (frame, code) in [
        (json!({"hello": {"token": "x"}}), CloseCode::TokenInvalid),
        (json!({"ping": 1}), CloseCode::MalformedFrame),
        (send(1, "a"), CloseCode::MalformedFrame),
        (json!([]), CloseCode::MalformedFrame),
    ] {
        let mut driven = Driven::new();
        driven.frame(&frame);
        assert_eq!(driven.closed, Some(code), "{frame}");
        assert!(driven.sent.is_empty());
    }
    let mut driven = Driven::new();
    driven.now = 600_000;
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired));
}

#[test]
fn a_second_hello_a_binary_and_an_oversize_frame_are_closed_with_a_reason() {
    let mut driven = Driven::open(&json!([]));
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    assert_eq!(driven.closed, Some(CloseCode::MalformedFrame));
    let mut driven = Driven::open(&json!([]));
    driven.input(Input::Binary);
    assert_eq!(driven.closed, Some(CloseCode::BinaryFrame));
    let mut driven = Driven::open(&json!([]));
    driven.input(Input::TooLarge);
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge));
}

#[test]
fn the_reply_to_subscribe_comes_before_the_pushes_and_they_have_no_gap() {
    let mut driven = Driven::open(&json!([]));
    driven.other_sends("before");
    driven.frame(&json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}));
    assert_eq!(
        driven.reply()["result"]["channels"][0]["cursor"],
        json!({"epoch": "e", "seq": 1})
    );
    driven.publish("two");
    driven.publish("three");
    assert_eq!(driven.seqs(), [2, 3]);
}

#[test]
fn what_was_missed_is_replayed_whole_and_then_live_events_follow() {
    let mut driven = Driven::new();
    for number in 0..10 {
        driven.other_sends(&number.to_string());
    }
    let welcome = driven.hello(&json!([{"id": "a", "cursor": {"epoch": "e", "seq": 2}}]));
    assert_eq!(welcome["welcome"]["channels"][0]["cursor"]["seq"], 2);
    driven.publish("live");
    assert_eq!(driven.seqs(), [3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

#[test]
fn a_cursor_that_cannot_be_recovered_is_told_and_a_forbidden_channel_too() {
    let mut driven = Driven::new();
    driven.other_sends("one");
    let welcome = driven.hello(&json!([
        {"id": "a", "cursor": {"epoch": "old", "seq": 1}},
        {"id": "b", "cursor": {"epoch": "e", "seq": 7}},
        {"id": "c", "cursor": {"epoch": "e", "seq": 1}},
    ]));
    let channels = &welcome["welcome"]["channels"];
    assert_eq!(
        channels[0],
        json!({"id": "a", "cursor": {"epoch": "e", "seq": 1}, "gap": "epoch-changed"})
    );
    assert_eq!(
        channels[1],
        json!({"id": "b", "cursor": {"epoch": "e", "seq": 0}, "gap": "cursor-ahead"})
    );
    assert_eq!(channels[2]["error"]["code"], "channel-forbidden");
    assert!(!driven.joined.contains(&"c".parse().unwrap()));
}

#[test]
fn a_slow_reader_catches_up_from_the_log_and_misses_nothing() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.drains = false;
    for number in 0..3_000 {
        driven.publish(&number.to_string());
    }
    let queued = driven.sent.len();
    assert!(queued <= QUEUE_ITEMS, "{queued} items wait");
    driven.drains = true;
    driven.input(Input::Wrote(true));
    driven.publish("last");
    assert_eq!(driven.seqs(), (1..=3_001).collect::<Vec<_>>());
}

#[test]
fn events_left_out_by_the_bus_are_read_from_the_log() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.publish("one");
    driven.other_sends("left out");
    driven.input(Input::Lagged);
    driven.publish("three");
    assert_eq!(driven.seqs(), [1, 2, 3]);
}

#[test]
fn a_reader_that_takes_nothing_is_told_to_recover() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.drains = false;
    driven.publish("one");
    driven.now = 29_000;
    driven.input(Input::Alive);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, None);
    driven.now = 30_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::Recover));
}

#[test]
fn a_message_is_stored_once_however_often_it_is_sent() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    for id in 1..=3 {
        driven.frame(&send(id, "a"));
    }
    let items = std::mem::take(&mut driven.sent);
    let replies: Vec<_> = items.iter().filter(|item| !item["id"].is_null()).collect();
    assert_eq!(replies.len(), 3);
    assert!(
        replies
            .iter()
            .all(|reply| reply["result"]["message"] == replies[0]["result"]["message"])
    );
    assert_eq!(
        items.iter().filter(|item| !item["seq"].is_null()).count(),
        1
    );
}

#[test]
fn every_request_is_authorized() {
    let mut driven = Driven::open(&json!([]));
    driven.frame(&send(1, "c"));
    assert_eq!(driven.reply()["error"]["code"], "channel-forbidden");
    driven.frame(&json!({"id": 2, "method": "subscribe", "params": {"channels": [{"id": "a"}, {"id": "c"}]}}));
    assert_eq!(driven.reply()["error"]["code"], "channel-forbidden");
    assert!(driven.joined.is_empty(), "all or nothing");
}

#[test]
fn sizes_are_checked_and_the_error_names_what_is_too_large() {
    let mut driven = Driven::open(&json!([]));
    for (field, value, code) in [
        ("content", json!("x".repeat(65_537)), "content-too-large"),
        (
            "metadata",
            json!({"x": "x".repeat(16_384)}),
            "content-too-large",
        ),
        ("files", Value::Null, "invalid-argument"),
    ] {
        let mut frame = send(1, "a");
        if field == "files" {
            frame["params"]["fileIds"] = json!(vec![KEY; 33]);
        } else {
            frame["params"][field] = value;
        }
        driven.frame(&frame);
        let reply = driven.reply();
        assert_eq!(reply["error"]["code"], code);
        assert!(
            reply["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with(field)
        );
    }
}

#[test]
fn too_many_requests_are_refused_and_a_flood_is_closed() {
    let mut session = Session::new(tokens(), Limits::DEFAULT, Uuid::v7(0, [0; 10]), 0);
    let hello = json!({"hello": {"token": token("ada", &["a"])}}).to_string();
    session.handle(0, Input::Frame(&hello));
    session.handle(0, Input::Heads(0, Ok(vec![])));
    // The store does not answer.
    let mut refused = 0;
    for id in 0..=1_024 {
        session.handle(0, Input::Frame(&send(id, "a").to_string()));
        while let Some(output) = session.poll_output() {
            match output {
                Output::Send(item) if item.contains("too-many-requests") => refused += 1,
                Output::Close(code) => {
                    assert_eq!(code, CloseCode::Flood);
                    assert_eq!((id, refused), (1_024, 768));
                    return;
                }
                _ => {}
            }
        }
    }
    panic!("a flood was not noticed");
}

#[test]
fn a_token_ends_and_can_be_renewed_by_the_same_user_only() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    let refresh =
        |token: String| json!({"id": 1, "method": "auth.refresh", "params": {"token": token}});
    driven.frame(&refresh(token("bob", &["a"])));
    assert_eq!(driven.reply()["error"]["code"], "token-invalid");
    driven.now = 1_000;
    driven.frame(&refresh(token("ada", &["a", "b"])));
    assert_eq!(driven.reply()["result"]["tokenExpiresInMs"], 599_000);
    driven.now = 600_000;
    driven.input(Input::Alive);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired));
}

#[test]
fn silence_is_pinged_and_then_closed() {
    let mut driven = Driven::open(&json!([]));
    assert_eq!(driven.session.next_timeout(), Some(25_000));
    driven.now = 60_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::IdleTimeout));
    assert_eq!(driven.session.next_timeout(), None);
}

#[test]
fn unsubscribe_ends_the_pushes_and_a_new_subscribe_starts_at_the_head() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.frame(
        &json!({"id": 1, "method": "unsubscribe", "params": {"channelIds": ["a", "unknown"]}}),
    );
    assert_eq!(driven.reply()["result"], json!({}));
    driven.publish("unheard");
    driven.frame(&json!({"id": 2, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}));
    assert_eq!(driven.reply()["result"]["channels"][0]["cursor"]["seq"], 1);
    driven.publish("heard");
    assert_eq!(driven.seqs(), [2]);
}

/// Both are behind; the first in the alphabet never gets to its end.
#[test]
fn a_busy_channel_does_not_keep_another_waiting() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_reads = true;
    for id in ["a", "b"] {
        driven
            .frame(&json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": id}]}}));
    }
    driven.input(Input::Lagged);
    let mut read = Vec::new();
    for _ in 0..4 {
        let (channel, _) = driven.reads.pop_front().expect("a read is due");
        read.push(channel.to_string());
        // Something happened meanwhile, so it is not at its end.
        driven.input(Input::Lagged);
        driven.input(Input::Page(channel, Ok(vec![])));
    }
    assert_eq!(read, ["a", "b", "a", "b"]);
}

#[test]
fn a_subscribe_that_failed_leaves_the_channel_to_the_next_one() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_heads = true;
    for id in [1, 2] {
        driven.frame(
            &json!({"id": id, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}),
        );
    }
    let first = driven.heads.pop_front().expect("the first asks");
    let second = driven.heads.pop_front().expect("so does the second");
    let full = ErrorBody::new(ErrorCode::StorageFull, "full");
    driven.input(Input::Heads(first.0, Err(full)));
    assert_eq!(driven.reply()["error"]["code"], "storage-full");
    let heads = driven.store.heads(&[second.1[0].clone().into()]);
    driven.input(Input::Heads(second.0, heads));
    assert!(driven.reply()["result"].is_object());
    driven.publish("heard");
    assert_eq!(driven.seqs(), [1]);
}

#[test]
fn a_hello_may_be_larger_than_later_frames() {
    let mut driven = Driven::new();
    let padding = "x".repeat(Limits::DEFAULT.frame_bytes as usize);
    driven.frame(&json!({"hello": {"token": token("ada", &["a"]), "sdk": padding}}));
    assert!(driven.sent.pop_front().expect("a welcome")["welcome"].is_object());
    driven.frame(&json!({"ping": 1, "padding": padding}));
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge));
}
