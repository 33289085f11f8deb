//! The session driven by hand over a store in memory, in which time moves only when a test says so.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "tests pick what they look for"
)]

use std::collections::VecDeque;

use alo_protocol::{AuthRequest, AuthUser, SendMessage};
use serde_json::{Value, json};

use super::{queue::ITEMS, *};
use crate::{
    live::Live,
    store::{Change, Log, LogId, MemoryStore, Notice, PageLimit, Store},
};

mod access;
mod catch_up;
mod hello;
mod history;
mod life;
mod own;
mod requests;
mod resume;
mod signals;
mod subscribe;

const KEY: &str = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";
const LIMIT: PageLimit = PageLimit {
    events: 3,
    bytes: 1 << 20,
};

struct Driven {
    driver: Driver,
    desk: Desk,
    store: MemoryStore,
    live: Live,
    now: u64,
    sent: VecDeque<Value>,
    closed: Option<u16>,
    pings: usize,
    joined: Vec<LogId>,
    /// Whether what is asked of the store is left to the test to answer.
    hold_reads: bool,
    hold_heads: bool,
    hold_commits: bool,
    reads: VecDeque<(Op, Query)>,
    heads: VecDeque<(Op, Vec<LogId>)>,
    commits: VecDeque<(Op, Change)>,
    /// How many requests there were to store, log and bus.
    asks: usize,
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
    session_with(Limits::DEFAULT)
}

fn session_with(limits: Limits) -> Session {
    let mut number = 1 << 20;
    let new_id = move |now_ms| {
        number += 1;
        Uuid::v7(now_ms, numbered(number))
    };
    Session::new(tokens(), limits, Box::new(new_id), 0)
}

impl Driven {
    fn new() -> Self {
        Self {
            driver: Driver::new(session()),
            desk: Desk::default(),
            store: MemoryStore::new("e"),
            live: Live::default(),
            now: 0,
            sent: VecDeque::new(),
            closed: None,
            pings: 0,
            joined: Vec::new(),
            hold_reads: false,
            hold_heads: false,
            hold_commits: false,
            reads: VecDeque::new(),
            heads: VecDeque::new(),
            commits: VecDeque::new(),
            asks: 0,
            drains: true,
            next_id: 0,
        }
    }

    /// A connection of ada that is welcomed, with these subscriptions.
    fn open(channels: &Value) -> Self {
        let mut driven = Self::new();
        driven.hello();
        driven.resume(channels);
        driven
    }

    fn hello(&mut self) {
        self.frame(&json!({"hello": {"token": token("ada", &["a", "b"])}}));
        assert!(self.reply()["welcome"].is_object());
    }

    /// The recoveries of these channels.
    fn resume(&mut self, channels: &Value) -> Value {
        self.frame(&json!({"id": 0, "method": "resume", "params": {"channels": channels}}));
        self.reply()["result"]["channels"].take()
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
        self.asks += 1;
        match ask {
            Ask::Commit(op, change) if self.hold_commits => self.commits.push_back((op, change)),
            Ask::Commit(op, change) => self.commit(op, change),
            Ask::Heads(op, logs) if self.hold_heads => self.heads.push_back((op, logs)),
            Ask::Heads(op, logs) => self.read_heads(op, &logs),
            Ask::Read(op, query) if self.hold_reads => self.reads.push_back((op, query)),
            Ask::Read(op, query) => {
                let rows = read_at_once(op, &query, &self.store, LIMIT);
                self.driver.handle(self.now, rows, &mut self.desk);
            }
            Ask::Live(op, act) => {
                let answer = self.live.act(self.now, 0, act);
                self.driver
                    .handle(self.now, Input::Live(op, answer), &mut self.desk);
            }
            Ask::Join(log) => self.joined.push(log),
            Ask::Leave(log) => self.joined.retain(|joined| *joined != log),
        }
    }

    fn read_heads(&mut self, op: Op, logs: &[LogId]) {
        let heads = Input::Heads(op, self.store.heads(logs));
        self.driver.handle(self.now, heads, &mut self.desk);
    }

    fn commit(&mut self, op: Op, change: Change) {
        let (news, answers) = write_at_once(op, change, &mut self.store);
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
    fn commit_held(&mut self) {
        while let Some((op, change)) = self.commits.pop_front() {
            self.commit(op, change);
            self.run();
        }
    }

    /// Has the log read the heads that a test held back.
    fn read_held_heads(&mut self) {
        while let Some((op, logs)) = self.heads.pop_front() {
            self.read_heads(op, &logs);
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

fn subscribe(id: u64, channels: &[&str]) -> Value {
    let channels: Vec<_> = channels.iter().map(|id| json!({"id": id})).collect();
    json!({"id": id, "method": "subscribe", "params": {"channels": channels}})
}

fn send(id: u64, channel: &str) -> Value {
    json!({"id": id, "method": "message.send", "params": {"key": KEY, "channelId": channel, "content": "hi"}})
}
