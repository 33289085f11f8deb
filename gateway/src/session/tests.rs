//! The session driven by hand over a store in memory, in which time moves only when a test says so.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "tests pick what they look for"
)]

mod access;

use std::collections::VecDeque;

use alo_protocol::{AuthRequest, AuthUser, SendMessage};
use serde_json::{Value, json};

use super::{queue::ITEMS, *};
use crate::{
    store::{MemoryStore, Notice, PageLimit, Store},
    writer::Job,
};

const KEY: &str = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";
const LIMIT: PageLimit = PageLimit {
    events: 3,
    bytes: 1 << 20,
};

struct Driven {
    driver: Driver,
    desk: Desk,
    store: MemoryStore,
    now: u64,
    sent: VecDeque<Value>,
    closed: Option<u16>,
    pings: usize,
    joined: Vec<LogId>,
    /// Whether what is asked of the store is left to the test to answer.
    hold_reads: bool,
    hold_jobs: bool,
    reads: VecDeque<(Op, Query)>,
    jobs: VecDeque<Job<Op, Op>>,
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
        Uuid::from_bytes([9; 16]),
    )
}

/// Ten bytes that differ for each number.
fn numbered(number: u32) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[6..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn session() -> Session {
    let mut number = 1 << 20;
    let new_id = move |now_ms| {
        number += 1;
        Uuid::v7(now_ms, numbered(number))
    };
    Session::new(tokens(), Limits::DEFAULT, Box::new(new_id), 0)
}

impl Driven {
    fn new() -> Self {
        Self {
            driver: Driver::new(session()),
            desk: Desk::default(),
            store: MemoryStore::new("e"),
            now: 0,
            sent: VecDeque::new(),
            closed: None,
            pings: 0,
            joined: Vec::new(),
            hold_reads: false,
            hold_jobs: false,
            reads: VecDeque::new(),
            jobs: VecDeque::new(),
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
        self.driver.handle(self.now, input, &mut self.desk);
        self.run();
    }

    fn run(&mut self) {
        loop {
            if let Some(ask) = self.desk.next_ask() {
                self.asked(ask);
            } else if !self.write() {
                break;
            }
        }
        self.closed = self.driver.ending().map(|farewell| farewell.code);
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Write(job) if self.hold_jobs => self.jobs.push_back(job),
            Ask::Write(job) => self.work(job),
            Ask::Read(op, query) if self.hold_reads => self.reads.push_back((op, query)),
            Ask::Read(op, query) => {
                let rows = read_at_once(op, &query, &self.store, LIMIT);
                self.driver.handle(self.now, rows, &mut self.desk);
            }
            Ask::Join(log) => self.joined.push(log),
            Ask::Leave(log) => self.joined.retain(|joined| *joined != log),
        }
    }

    fn work(&mut self, job: Job<Op, Op>) {
        let log = self.store.clone();
        let (news, answers) = write_at_once(job, &mut self.store, &log);
        for news in news {
            if self.joined.contains(news.log()) {
                self.driver
                    .handle(self.now, Input::News(news), &mut self.desk);
            }
        }
        for answer in answers {
            self.driver.handle(self.now, answer, &mut self.desk);
        }
    }

    /// Has the store do what a test held back.
    fn work_held(&mut self) {
        while let Some(job) = self.jobs.pop_front() {
            self.work(job);
            self.run();
        }
    }

    /// The socket takes one frame; false if there is none.
    fn write(&mut self) -> bool {
        match self.driver.next_write() {
            None => return false,
            Some(Write::Frame(text, _)) => match serde_json::from_str(&text).unwrap() {
                Value::Array(items) => self.sent.extend(items),
                item => self.sent.push_back(item),
            },
            Some(Write::Ping) => self.pings += 1,
            Some(Write::Close(_)) => return false,
        }
        if self.drains {
            self.driver.wrote(self.now, &mut self.desk);
        }
        self.drains
    }

    /// Another user's message: committed, and published to this connection if it has joined.
    fn other_sends(&mut self, content: &str) -> LogEvent {
        self.next_id += 1;
        let id = Uuid::v7(1, numbered(self.next_id));
        let send = SendMessage {
            key: Uuid::v7(2, numbered(self.next_id)),
            channel_id: "a".parse().unwrap(),
            content: content.into(),
            metadata: None,
            parent_id: None,
            file_ids: vec![],
        };
        let change =
            methods::send::change(&Limits::DEFAULT, "bob".into(), send, id, self.now).unwrap();
        let committed = self.store.commit(vec![change]).pop().unwrap().unwrap();
        committed.event().unwrap().clone()
    }

    fn publish(&mut self, content: &str) {
        let event = self.other_sends(content);
        self.input(Input::News(Notice::Event(event).into()));
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

fn log(channel: &str) -> LogId {
    LogId::Channel(channel.parse().unwrap())
}

fn send(id: u64, channel: &str) -> Value {
    json!({"id": id, "method": "message.send", "params": {"key": KEY, "channelId": channel, "content": "hi"}})
}

#[test]
fn a_wall_clock_that_is_changed_judges_tokens_and_timestamps_but_ends_no_connection() {
    const AHEAD_MS: i64 = 9_000;
    // It was ahead when the gateway started, and is corrected.
    let mut driven = Driven::new();
    driven.now = AHEAD_MS.unsigned_abs();
    driven.driver.set_skew(-AHEAD_MS);
    let welcome = driven.hello(&json!([]));
    let valid_ms = welcome["welcome"]["tokenExpiresInMs"].as_i64().unwrap();
    driven.frame(&json!({"id": 1, "method": "message.send", "params": {"key": KEY, "channelId": "a", "content": "x"}}));
    let reply = driven.sent.pop_front().expect("a reply");
    assert_eq!(reply["result"]["message"]["timestamp"], "0", "{reply}");
    // The token is valid as long as the wall clock says so; no other deadline moves.
    driven.driver.set_skew(valid_ms - AHEAD_MS - 1);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, None);
    driven.driver.set_skew(valid_ms - AHEAD_MS);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired.code()));
    // Before the hello, a clock that jumps is of no concern.
    let mut driven = Driven::new();
    driven.driver.set_skew(1_000 * AHEAD_MS);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, None);
}

#[test]
fn a_connection_without_hello_or_with_a_bad_token_is_closed() {
    let mut driven = Driven::new();
    driven.now = 10_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::HelloTimeout.code()));

    for (frame, code) in [
        (json!({"hello": {"token": "x"}}), CloseCode::TokenInvalid),
        (json!({"ping": 1}), CloseCode::MalformedFrame),
        (send(1, "a"), CloseCode::MalformedFrame),
        (json!([]), CloseCode::MalformedFrame),
    ] {
        let mut driven = Driven::new();
        driven.frame(&frame);
        assert_eq!(driven.closed, Some(code.code()), "{frame}");
        assert!(driven.sent.is_empty());
    }
    let mut driven = Driven::new();
    driven.now = 600_000;
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired.code()));
}

#[test]
fn a_second_hello_a_binary_and_an_oversize_frame_are_closed_with_a_reason() {
    let mut driven = Driven::open(&json!([]));
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    assert_eq!(driven.closed, Some(CloseCode::MalformedFrame.code()));
    let mut driven = Driven::open(&json!([]));
    driven.input(Input::Binary);
    assert_eq!(driven.closed, Some(CloseCode::BinaryFrame.code()));
    let mut driven = Driven::open(&json!([]));
    driven.input(Input::TooLarge);
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge.code()));
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
    assert!(!driven.joined.contains(&log("c")));
}

#[test]
fn a_slow_reader_catches_up_from_the_log_and_misses_nothing() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.drains = false;
    for number in 0..3_000 {
        driven.publish(&number.to_string());
    }
    let queued = driven.driver.waiting();
    assert!(queued <= ITEMS, "{queued} items wait");
    driven.drains = true;
    driven.driver.wrote(driven.now, &mut driven.desk);
    driven.run();
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
    assert_eq!(driven.closed, Some(CloseCode::Recover.code()));
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
    let mut driven = Driven::open(&json!([]));
    // The store does not answer.
    driven.hold_jobs = true;
    for id in 0..=1_024 {
        assert_eq!(driven.closed, None);
        driven.frame(&send(id, "a"));
    }
    assert_eq!(driven.closed, Some(CloseCode::Flood.code()));
    assert_eq!((driven.jobs.len(), driven.sent.len()), (256, 768));
    let refused = |item: &Value| item["error"]["code"] == "too-many-requests";
    assert!(driven.sent.iter().all(refused));
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
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired.code()));
}

#[test]
fn silence_is_pinged_and_then_closed() {
    let mut driven = Driven::open(&json!([]));
    assert_eq!(driven.driver.next_timeout(), Some(25_000));
    driven.now = 60_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::IdleTimeout.code()));
    assert_eq!(driven.driver.next_timeout(), None);
}

#[test]
fn unsubscribe_ends_the_pushes_and_a_new_subscribe_starts_at_the_head() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.frame(
        &json!({"id": 1, "method": "unsubscribe", "params": {"channelIds": ["a", "unknown"]}}),
    );
    assert_eq!(driven.reply()["result"], json!({}));
    driven.publish("missed");
    driven.frame(&json!({"id": 2, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}));
    assert_eq!(driven.reply()["result"]["channels"][0]["cursor"]["seq"], 1);
    driven.publish("received");
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
        let (op, query) = driven.reads.pop_front().expect("a read is due");
        let Query::Tail { log, .. } = query else {
            panic!("{query:?}");
        };
        read.push(log);
        // Something happened meanwhile, so it is not at its end.
        driven.input(Input::Lagged);
        driven.input(Input::Rows(op, Ok(Rows::Events(vec![]))));
    }
    assert_eq!(read, ["a", "b", "a", "b"].map(log));
}

#[test]
fn a_subscribe_that_failed_leaves_the_channel_to_the_next_one() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_jobs = true;
    for id in [1, 2] {
        driven.frame(
            &json!({"id": id, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}),
        );
    }
    let Some(Job::Heads(_, first)) = driven.jobs.pop_front() else {
        panic!("the first asks");
    };
    let full = ErrorBody::new(ErrorCode::StorageFull, "full");
    driven.input(Input::Heads(first, Err(full)));
    assert_eq!(driven.reply()["error"]["code"], "storage-full");
    driven.work_held();
    assert!(driven.reply()["result"].is_object());
    driven.publish("received");
    assert_eq!(driven.seqs(), [1]);
}

#[test]
fn a_hello_may_be_larger_than_later_frames() {
    let mut driven = Driven::new();
    let padding = "x".repeat(Limits::DEFAULT.frame_bytes as usize);
    driven.frame(&json!({"hello": {"token": token("ada", &["a"]), "sdk": padding}}));
    assert!(driven.sent.pop_front().expect("a welcome")["welcome"].is_object());
    driven.frame(&json!({"ping": 1, "padding": padding}));
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge.code()));
}

// The first flight.

#[test]
fn what_comes_behind_the_hello_is_answered_after_it_in_order() {
    let mut driven = Driven::new();
    driven.hold_jobs = true;
    driven.frame(&json!({"hello": {"token": token("ada", &["a"]), "channels": []}}));
    driven.frame(&json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}));
    driven.frame(&send(2, "a"));
    driven.frame(&json!({"ping": 3}));
    assert!(driven.sent.is_empty());
    driven.work_held();
    let kinds: Vec<_> = driven
        .sent
        .iter()
        .map(|item| {
            let keys = item.as_object().unwrap().keys();
            keys.cloned().collect::<Vec<_>>().join(",")
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "welcome",
            "pong",
            "id,result",
            "channel,epoch,event,seq",
            "id,result"
        ]
    );
    assert_eq!(
        (&driven.sent[2]["id"], &driven.sent[4]["id"]),
        (&json!(1), &json!(2))
    );
}

#[test]
fn a_first_flight_is_bounded_in_frames_and_bytes() {
    for (frame, most) in [
        (json!({"ping": 1}), 256),
        (json!({"ping": 1, "padding": "x".repeat(200_000)}), 5),
    ] {
        let mut driven = Driven::new();
        driven.hold_jobs = true;
        driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
        for _ in 0..most {
            driven.frame(&frame);
        }
        assert_eq!(driven.closed, None);
        driven.frame(&frame);
        assert_eq!(driven.closed, Some(CloseCode::Flood.code()));
    }
}

#[test]
fn a_wrong_frame_behind_the_hello_ends_the_connection_after_the_welcome() {
    let mut driven = Driven::new();
    driven.hold_jobs = true;
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    driven.frame(&json!([]));
    driven.frame(&json!({"ping": 1}));
    driven.work_held();
    assert!(driven.reply()["welcome"].is_object());
    assert!(driven.sent.is_empty());
    assert_eq!(driven.closed, Some(CloseCode::MalformedFrame.code()));
}

// History.

fn history(id: u64, channel: &str) -> Value {
    json!({"id": id, "method": "history", "params": {"channelId": channel, "limit": 2}})
}

#[test]
fn history_is_for_who_may_subscribe() {
    let mut driven = Driven::open(&json!([]));
    for number in 0..3 {
        driven.other_sends(&number.to_string());
    }
    driven.frame(&history(1, "a"));
    let page = driven.reply();
    let messages = page["result"]["messages"].as_array().unwrap();
    let contents: Vec<_> = messages.iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, ["2", "1"]);
    assert_eq!(page["result"]["cursor"], json!({"epoch": "e", "seq": 3}));
    assert!(page["result"]["olderPageToken"].is_string());
    let around = |channel: &str| {
        let id = &messages[0]["id"];
        json!({"id": 2, "method": "history.around", "params": {"channelId": channel, "messageId": id}})
    };
    driven.frame(&around("a"));
    assert_eq!(
        driven.reply()["result"]["messages"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    for frame in [history(3, "c"), around("c")] {
        driven.frame(&frame);
        assert_eq!(driven.reply()["error"]["code"], "channel-forbidden");
    }
}

#[test]
fn history_is_read_one_page_at_a_time_and_only_while_there_is_room() {
    let mut driven = Driven::open(&json!([]));
    (driven.hold_reads, driven.drains) = (true, false);
    let page = || {
        let message = json!({"content": "x".repeat(1 << 20)}).to_string();
        Rows::Page(alo_protocol::HistoryPage {
            messages: vec![serde_json::value::RawValue::from_string(message).unwrap()],
            older_page_token: None,
            newer_page_token: None,
            cursor: Cursor {
                epoch: "e".into(),
                seq: 1,
            },
        })
    };
    for id in 1..=4 {
        driven.frame(&history(id, "a"));
    }
    let mut begun = 0;
    while let Some((op, _)) = driven.reads.pop_front() {
        begun += 1;
        assert!(driven.reads.is_empty(), "one at a time");
        driven.input(Input::Rows(op, Ok(page())));
    }
    // The first is being written, the second waits.
    assert_eq!((begun, driven.driver.waiting()), (1, 0));
    driven.driver.wrote(0, &mut driven.desk);
    driven.run();
    assert_eq!(driven.reads.len(), 1);
    driven.drains = true;
    while let Some((op, _)) = driven.reads.pop_front() {
        driven.input(Input::Rows(op, Ok(page())));
    }
    let ids: Vec<_> = driven.sent.iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
}

#[test]
fn history_shows_what_the_same_connection_sent_before() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_jobs = true;
    driven.frame(&send(1, "a"));
    driven.frame(&history(2, "a"));
    assert!(driven.sent.is_empty());
    driven.work_held();
    assert_eq!(driven.reply()["id"], 1);
    assert_eq!(
        driven.reply()["result"]["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_is_wrong_in_history_is_named() {
    let mut driven = Driven::open(&json!([]));
    for (params, word) in [
        (json!({"channelId": "a", "limit": 0}), "limit"),
        (json!({"channelId": "a", "limit": 1_001}), "limit"),
        (
            json!({"channelId": "a", "olderPageToken": "x"}),
            "olderPageToken",
        ),
    ] {
        driven.frame(&json!({"id": 1, "method": "history", "params": params}));
        let error = driven.reply()["error"].take();
        assert_eq!(error["code"], "invalid-argument");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
}

// The log.

#[test]
fn after_a_hole_in_the_log_the_gap_is_reported_and_events_go_on() {
    let mut driven = Driven::new();
    for number in 0..5 {
        driven.other_sends(&number.to_string());
    }
    driven.hold_reads = true;
    driven.hello(&json!([{"id": "a", "cursor": {"epoch": "e", "seq": 1}}]));
    let (op, _) = driven.reads.pop_front().expect("a read is due");
    let head = Cursor {
        epoch: "e".into(),
        seq: 5,
    };
    driven.hold_reads = false;
    driven.input(Input::Rows(op, Ok(Rows::Gap(head))));
    assert_eq!(
        driven.reply(),
        json!({"gap": {"id": "a", "cursor": {"epoch": "e", "seq": 5}, "gap": "expired"}})
    );
    driven.publish("after");
    assert_eq!(driven.seqs(), [6]);
    assert_eq!(driven.closed, None);
}

#[test]
fn a_log_that_cannot_be_read_is_tried_again_a_few_times() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.hold_reads = true;
    driven.other_sends("left out");
    driven.input(Input::Lagged);
    let failure = || Err(ErrorBody::new(ErrorCode::Internal, "the disk"));
    let fail = |driven: &mut Driven| {
        let (op, _) = driven.reads.pop_front().expect("a read is due");
        driven.input(Input::Rows(op, failure()));
        assert!(driven.reads.is_empty(), "not at once");
        if let Some(at) = driven.driver.next_timeout() {
            driven.now = at;
            driven.input(Input::Timeout);
        }
    };
    for _ in 0..3 {
        fail(&mut driven);
    }
    assert_eq!((driven.closed, driven.now), (None, 250 + 500 + 1_000));
    let (op, query) = driven.reads.pop_front().expect("a read is due");
    let rows = read_at_once(op, &query, &driven.store, LIMIT);
    driven.input(rows);
    assert_eq!(driven.seqs(), [1]);
    // A success makes the count start again.
    for _ in 0..4 {
        assert_eq!(driven.closed, None);
        fail(&mut driven);
    }
    assert_eq!(driven.closed, Some(CloseCode::Internal.code()));
}

#[test]
fn a_hint_that_the_log_goes_further_leads_to_it() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.publish("one");
    let event = driven.other_sends("published elsewhere");
    let hint = |seq| {
        let log = event.log.clone();
        Input::News(Notice::Head { log, seq }.into())
    };
    driven.input(hint(1));
    assert_eq!(driven.seqs(), [1]);
    driven.input(hint(2));
    assert_eq!(driven.seqs(), [2]);
}
