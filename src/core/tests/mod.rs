//! The complete client, driven by hand: time moves only when a test says so.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    reason = "tests pick what they look for"
)]

use alo_protocol::{Cause, CloseCode, Cursor, ErrorCode, GapReason, Limits, Uuid};
use serde_json::json;

use self::json::Json;
use super::*;

mod codec;
mod connection;
mod first_flight;
mod json;
mod kept;
mod lanes;
mod properties;
mod rates;
mod resume;
mod sends;
mod subscriptions;
mod token;
mod uploads;

type Out = Output<Json>;

/// A client with its clock, and the socket it opened last.
struct Driven {
    client: Client<Json>,
    now: Instant,
    socket: SocketId,
    limits: Limits,
    /// Requests to resume that are not answered.
    resumes: Vec<(u32, Vec<(alo_protocol::ChannelId, Cursor)>)>,
}

const FILE: &str = "01890000-0000-7000-8000-000000000001";

impl Driven {
    fn new(token_renewable: bool) -> Self {
        Self::with(Config {
            seed: 7,
            token_renewable,
            outbox_limit: 4,
            parallel_uploads: 2,
            outbox_kept: false,
            device: r#""phone""#.into(),
        })
    }

    fn with(config: Config<Json>) -> Self {
        Self {
            client: Client::new(config),
            now: Instant(1_000),
            socket: SocketId(0),
            limits: Limits::DEFAULT,
            resumes: Vec::new(),
        }
    }

    /// A client that is connected.
    fn online() -> Self {
        Self::new(true).connected()
    }

    fn connected(mut self) -> Self {
        self.input(Input::Connect(CallId(0)));
        let out = self.come_online(vec![]);
        assert!(out.contains(&Output::Settle(CallId(0), Ok(Settled::Done))));
        self
    }

    fn input(&mut self, input: Input<'_, Json>) -> Vec<Out> {
        self.client.handle(self.now, input);
        let out: Vec<_> = std::iter::from_fn(|| self.client.poll_output()).collect();
        for output in &out {
            if let Output::OpenSocket(id) = output {
                self.socket = *id;
                self.resumes.clear();
            }
        }
        self.resumes.extend(resumes(&out));
        out
    }

    /// Lets time pass until the client wants to act.
    fn advance(&mut self) -> Vec<Out> {
        self.now = self
            .client
            .next_timeout()
            .expect("something is to be waited for");
        self.input(Input::Timeout)
    }

    /// Token, socket, hello, welcome, and what is resumed.
    fn come_online(&mut self, channels: Vec<Recovery>) -> Vec<Out> {
        let mut out = self.input(Input::TokenFetched(Ok("token".into())));
        out.extend(self.reopen(channels));
        out
    }

    fn open(&mut self) -> Vec<Out> {
        self.input(Input::SocketOpened(self.socket))
    }

    /// The gateway welcomes and answers what was resumed, with these recoveries, or that nothing is missing.
    fn welcome(&mut self, channels: Vec<Recovery>) -> Vec<Out> {
        let welcome = Welcome {
            user: "Ann".into(),
            heartbeat_ms: 25_000,
            token_expires_in_ms: 86_400_000,
            limits: self.limits.clone(),
        };
        let mut out = self.receive(Incoming::Welcome(welcome));
        while !self.resumes.is_empty() {
            let (id, named) = self.resumes.remove(0);
            let answer = |(channel, cursor): (alo_protocol::ChannelId, Cursor)| {
                let given = channels.iter().find(|one| one.channel == channel);
                given.cloned().unwrap_or(Recovery {
                    channel,
                    cursor: Some(cursor),
                    gap: None,
                })
            };
            out.extend(self.reply(id, recovered(named.into_iter().map(answer))));
        }
        out
    }

    fn reopen(&mut self, channels: Vec<Recovery>) -> Vec<Out> {
        let mut out = self.open();
        out.extend(self.welcome(channels));
        out
    }

    /// Loses the connection; returns what goes out with the next one.
    fn reconnect(&mut self, channels: Vec<Recovery>) -> Vec<Out> {
        self.close(1006);
        self.advance();
        self.reopen(channels)
    }

    fn receive(&mut self, incoming: Incoming<'_, Json>) -> Vec<Out> {
        self.input(Input::Received(self.socket, incoming))
    }

    fn reply(&mut self, id: u32, result: Json) -> Vec<Out> {
        self.receive(Incoming::Reply(id, Ok(result)))
    }

    fn push(&mut self, seq: u64, event: &str) -> Vec<Out> {
        self.receive(Incoming::Push {
            channel: "a",
            epoch: "e",
            seq,
            event: event.into(),
        })
    }

    fn close(&mut self, code: u16) -> Vec<Out> {
        self.input(Input::SocketClosed(self.socket, code))
    }

    fn subscribe(&mut self, call: u32, seq: u64) {
        let out = self.input(Input::Subscribe(CallId(call), vec![channel()]));
        let out = self.reply(request(&out).0, reply_at(seq));
        assert_eq!(out, [Output::Settle(CallId(call), Ok(Settled::Done))]);
    }

    fn send(&mut self, call: u32, files: Vec<(UploadId, FileMeta)>) -> Vec<Out> {
        self.ask(call, "hi", Lane::Once { unix_ms: 1, files })
    }

    fn ask(&mut self, call: u32, body: &str, lane: Lane) -> Vec<Out> {
        let request = Request {
            body: body.into(),
            bytes: body.len() as u32,
            lane,
        };
        self.input(Input::Request(CallId(call), request))
    }

    fn abort(&mut self, call: u32) -> Vec<Out> {
        self.input(Input::Abort(CallId(call)))
    }
}

fn channel() -> alo_protocol::ChannelId {
    "a".parse().unwrap()
}

fn recovery(seq: u64, gap: Option<GapReason>) -> Recovery {
    Recovery {
        channel: channel(),
        cursor: Some(Cursor {
            epoch: "e".into(),
            seq,
        }),
        gap,
    }
}

/// The result of a `message.send`.
fn sent(message: &str) -> Json {
    Json(json!({"message": message}))
}

/// The result of a `subscribe`.
fn reply_at(seq: u64) -> Json {
    Json(json!({"channels": [{"id": "a", "cursor": {"epoch": "e", "seq": seq}}]}))
}

/// The one request in these outputs.
fn request(out: &[Out]) -> (u32, Method<Json>) {
    requests(out)
        .pop()
        .unwrap_or_else(|| panic!("no request in {out:?}"))
}

/// All of them but those that resume.
fn requests(out: &[Out]) -> Vec<(u32, Method<Json>)> {
    let request = |output: &Out| match output {
        Output::SendFrame(_, Frame::Request(_, Method::Resume(_))) => None,
        Output::SendFrame(_, Frame::Request(id, method)) => Some((*id, method.clone())),
        _ => None,
    };
    out.iter().filter_map(request).collect()
}

fn resumes(out: &[Out]) -> Vec<(u32, Vec<(alo_protocol::ChannelId, Cursor)>)> {
    let request = |output: &Out| match output {
        Output::SendFrame(_, Frame::Request(id, Method::Resume(channels))) => {
            Some((*id, channels.clone()))
        }
        _ => None,
    };
    out.iter().filter_map(request).collect()
}

/// The result of a `subscribe` or `resume`.
fn recovered(channels: impl Iterator<Item = Recovery>) -> Json {
    let channel = |Recovery {
                       channel,
                       cursor,
                       gap,
                   }: Recovery| {
        let mut item = json!({"id": channel.as_str()});
        match cursor {
            Some(Cursor { epoch, seq }) => item["cursor"] = json!({"epoch": epoch, "seq": seq}),
            None => item["error"] = json!({"code": "channel-forbidden"}),
        }
        if let Some(gap) = gap {
            item["gap"] = json!(gap.as_str());
        }
        item
    };
    Json(json!({"channels": channels.map(channel).collect::<Vec<_>>()}))
}

fn keys(out: &[Out]) -> Vec<Uuid> {
    let key = |(_, method)| match method {
        Method::Once { key, .. } => Some(key),
        _ => None,
    };
    requests(out).into_iter().filter_map(key).collect()
}

/// The bodies that go out, of commands and of other requests.
fn bodies(out: &[Out]) -> Vec<String> {
    let body = |(_, method): (u32, Method<Json>)| match method {
        Method::Once { body, .. } | Method::Other(body) => body.string(),
        _ => None,
    };
    requests(out).into_iter().filter_map(body).collect()
}

fn http(out: &[Out]) -> (HttpId, HttpRequest) {
    let found = out.iter().find_map(|output| match output {
        Output::Http { id, request, .. } => Some((*id, request.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no HTTP request in {out:?}"))
}

fn http_ids(out: &[Out]) -> Vec<HttpId> {
    let id = |output: &Out| match output {
        Output::Http { id, .. } => Some(*id),
        _ => None,
    };
    out.iter().filter_map(id).collect()
}

fn error_of(out: &[Out], call: u32) -> &Error {
    let found = out.iter().find_map(|output| match output {
        Output::Settle(id, Err(error)) if *id == CallId(call) => Some(error),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("call {call} did not fail in {out:?}"))
}

fn meta(size: u64) -> FileMeta {
    FileMeta {
        channel: channel(),
        name: "f".into(),
        size,
    }
}

fn reply(status: u16, offset: Option<u64>) -> HttpReply {
    let location = (status == 201).then(|| format!("/v1/files/{FILE}"));
    HttpReply {
        status,
        offset,
        location,
        error: None,
    }
}
