//! Properties of the client under inputs that make no sense: whatever a gateway, a browser or a caller does,
//! it does not panic, answers each call once, and never sleeps with work to do.
use std::collections::{BTreeMap, BTreeSet};

use alo_protocol::{Cursor, ErrorCode, GapReason, Limits, Uuid};
use proptest::{collection::vec, option, prelude::*};

use super::{Json, json};
use crate::core::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Act {
    Connect,
    Disconnect,
    Subscribe(u8),
    Unsubscribe(u8),
    Send {
        channel: u8,
        sizes: Vec<u64>,
    },
    Ask(bool),
    /// A page before this one has left a message with a file, whose upload may have begun.
    Restored(bool),
    Token(Option<String>),
    Abort(u32),
    TokenFetched(Result<String, String>),
    Opened(u32),
    Closed(u32, u16),
    Welcome(u32),
    Reply(u32, u32, u8),
    Gap(u32, u8, Option<u64>),
    Push {
        socket: u32,
        channel: u8,
        epoch: bool,
        seq: u64,
    },
    Pong(u32),
    Http(u32, Option<(u16, Option<u64>, bool)>),
    Wake,
    Timeout,
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    let socket = 1..4_u32;
    prop_oneof![
        1 => Just(Act::Connect),
        1 => Just(Act::Disconnect),
        2 => (0..3_u8).prop_map(Act::Subscribe),
        1 => (0..3_u8).prop_map(Act::Unsubscribe),
        4 => (0..3_u8, vec(0..3_000_000_u64, 0..3)).prop_map(|(channel, sizes)| Act::Send { channel, sizes }),
        2 => any::<bool>().prop_map(Act::Ask),
        1 => any::<bool>().prop_map(Act::Restored),
        1 => option::of(".{0,3}").prop_map(Act::Token),
        1 => (0..40_u32).prop_map(Act::Abort),
        3 => prop_oneof![".{0,3}".prop_map(Ok), ".{0,3}".prop_map(Err)].prop_map(Act::TokenFetched),
        3 => socket.clone().prop_map(Act::Opened),
        2 => (socket.clone(), prop_oneof![Just(1006), 1000..1016_u16, 4000..4010_u16]).prop_map(|(socket, code)| Act::Closed(socket, code)),
        3 => socket.clone().prop_map(Act::Welcome),
        5 => (socket.clone(), 1..40_u32, 0..4_u8).prop_map(|(socket, id, kind)| Act::Reply(socket, id, kind)),
        4 => (socket.clone(), 0..3_u8, any::<bool>(), 0..9_u64)
            .prop_map(|(socket, channel, epoch, seq)| Act::Push { socket, channel, epoch, seq }),
        1 => (socket.clone(), 0..3_u8, option::of(0..9_u64)).prop_map(|(socket, channel, seq)| Act::Gap(socket, channel, seq)),
        1 => socket.prop_map(Act::Pong),
        6 => (0..20_u32, option::of((
                prop_oneof![Just(201), Just(204), Just(401), Just(409), Just(410), Just(423), Just(460), 100..600_u16],
                option::of(0..4_000_000_u64),
                any::<bool>(),
            ))).prop_map(|(id, reply)| Act::Http(id, reply)),
        1 => Just(Act::Wake),
        3 => Just(Act::Timeout),
        1 => (0..100_000_u64).prop_map(Act::Wait),
    ]
}

struct Driven {
    client: Client<Json>,
    now: Instant,
    next_call: u32,
    next_upload: u32,
    open: BTreeSet<CallId>,
    sizes: BTreeMap<UploadId, u64>,
    /// Token functions that have not answered; one too slow is asked again.
    fetches: u32,
    /// The socket that is open or opens.
    socket: Option<SocketId>,
    keeps: bool,
    kept: BTreeSet<Uuid>,
}

impl Driven {
    fn call(&mut self) -> CallId {
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.open.insert(call);
        call
    }

    fn act(&mut self, act: Act) {
        let channel = |index: u8| -> alo_protocol::ChannelId {
            ["a", "b", "c"][usize::from(index)].parse().unwrap()
        };
        let input = match act {
            Act::Connect => Input::Connect(self.call()),
            Act::Disconnect => Input::Disconnect(self.call()),
            Act::Subscribe(index) => Input::Subscribe(self.call(), vec![channel(index)]),
            Act::Unsubscribe(index) => Input::Unsubscribe(self.call(), vec![channel(index)]),
            Act::Send {
                channel: index,
                sizes,
            } => {
                let mut files = Vec::new();
                for size in sizes {
                    let id = UploadId(self.next_upload);
                    self.next_upload += 1;
                    self.sizes.insert(id, size);
                    files.push((
                        id,
                        FileMeta {
                            channel: channel(index),
                            name: "x".into(),
                            size,
                        },
                    ));
                }
                let unix_ms = self.now.0;
                Input::Request(self.call(), request(Lane::Once { unix_ms, files }))
            }
            Act::Ask(again) => {
                let lane = if again { Lane::Retry } else { Lane::Now };
                Input::Request(self.call(), request(lane))
            }
            Act::Restored(_) if !self.keeps => return,
            Act::Restored(begun) => {
                let upload = UploadId(self.next_upload);
                self.next_upload += 1;
                self.sizes.insert(upload, 2_000_000);
                let key = Uuid::v7(0, std::array::from_fn(|_| self.next_upload as u8));
                self.kept.insert(key);
                let file = KeptFile {
                    upload,
                    meta: FileMeta {
                        channel: channel(0),
                        name: "x".into(),
                        size: 2_000_000,
                    },
                    key,
                    location: begun.then(|| format!("/v1/files/{key}")),
                };
                let kept = Kept {
                    key,
                    body: "body".into(),
                    bytes: 10,
                    files: vec![file],
                };
                Input::Restored(vec![(self.call(), kept)])
            }
            Act::Token(refused) => Input::Token {
                call: self.call(),
                refused,
            },
            Act::Abort(call) => Input::Abort(CallId(call)),
            // A function answers as often as it was called.
            Act::TokenFetched(result) if self.fetches > 0 => {
                self.fetches -= 1;
                Input::TokenFetched(result)
            }
            Act::TokenFetched(_) => return,
            Act::Opened(socket) => Input::SocketOpened(SocketId(socket)),
            Act::Closed(socket, code) => {
                self.socket.take_if(|open| *open == SocketId(socket));
                Input::SocketClosed(SocketId(socket), code)
            }
            Act::Welcome(socket) => {
                let welcome = Welcome {
                    user: "Ann".into(),
                    heartbeat_ms: 25_000,
                    token_expires_in_ms: 60_000,
                    limits: Limits {
                        requests_in_flight: 6,
                        ..Limits::DEFAULT
                    },
                };
                Input::Received(SocketId(socket), Incoming::Welcome(welcome))
            }
            Act::Reply(socket, id, kind) => {
                let reply = json!({
                    "message": kind,
                    "channels": [{"id": "b", "cursor": {"epoch": "e", "seq": 3}}, {"id": "a", "gap": "expired"}],
                    "tokenExpiresInMs": (kind == 2).then_some(0),
                });
                let result = if kind == 3 {
                    Err(Error::new(ErrorCode::Internal, "x"))
                } else {
                    Ok(Json(reply))
                };
                Input::Received(SocketId(socket), Incoming::Reply(id, result))
            }
            Act::Push {
                socket,
                channel: index,
                epoch,
                seq,
            } => {
                let channel = ["a", "b", "c"][usize::from(index)];
                let epoch = if epoch { "e" } else { "f" };
                Input::Received(
                    SocketId(socket),
                    Incoming::Push {
                        channel,
                        epoch,
                        seq,
                        event: "event".into(),
                    },
                )
            }
            Act::Gap(socket, index, seq) => {
                let gap = Recovery {
                    channel: channel(index),
                    cursor: seq.map(|seq| Cursor {
                        epoch: "e".into(),
                        seq,
                    }),
                    gap: seq.map(|_| GapReason::Expired),
                };
                Input::Received(SocketId(socket), Incoming::Gap(gap))
            }
            Act::Pong(socket) => Input::Received(SocketId(socket), Incoming::Pong),
            Act::Http(id, reply) => {
                let reply = reply.map(|(status, offset, located)| HttpReply {
                    status,
                    offset,
                    location: located
                        .then(|| "/v1/files/01890000-0000-7000-8000-000000000001".into()),
                    error: None,
                });
                Input::HttpDone(HttpId(id), reply)
            }
            Act::Wake => Input::Wake,
            Act::Timeout => {
                self.now = self.now.max(self.client.next_timeout().unwrap_or(self.now));
                Input::Timeout
            }
            Act::Wait(ms) => {
                self.now = self.now.plus(ms);
                return;
            }
        };
        self.client.handle(self.now, input);
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Settle(call, _) => {
                    assert!(self.open.remove(&call), "call {call:?} was answered twice")
                }
                Output::Storage(Storage::Keep(kept)) => assert!(self.kept.insert(kept.key)),
                Output::Storage(Storage::Forget(key)) => {
                    assert!(
                        self.kept.remove(&key),
                        "{key} is forgotten, which is not kept"
                    )
                }
                Output::FetchToken => self.fetches += 1,
                Output::OpenSocket(socket) => self.socket = Some(socket),
                Output::CloseSocket(socket) => {
                    assert_eq!(self.socket.take(), Some(socket), "{socket:?} is not open")
                }
                Output::SendFrame(socket, _) => assert_eq!(self.socket, Some(socket)),
                Output::Http {
                    upload, request, ..
                } => {
                    let size = self.sizes[&upload];
                    let end = match request {
                        HttpRequest::Create { length, .. } => length,
                        HttpRequest::Append { offset, length, .. } => offset + length,
                        _ => 0,
                    };
                    assert!(end <= size, "{end} of {size} bytes were asked for");
                }
                _ => {}
            }
        }
    }
}

fn request(lane: Lane) -> Request<Json> {
    Request {
        body: "body".into(),
        bytes: 10,
        lane,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_call_is_answered_once(acts in vec(acts(), 1..120), renewable in any::<bool>(), kept in any::<bool>()) {
        let client = Client::new(Config { seed: 1, token_renewable: renewable, outbox_limit: 5, parallel_uploads: 2, outbox_kept: kept, device: r#""phone""#.into() });
        let mut driven = Driven {
            client,
            now: Instant(0),
            next_call: 0,
            next_upload: 0,
            open: BTreeSet::new(),
            sizes: BTreeMap::new(),
            fetches: 0,
            socket: None,
            keeps: kept,
            kept: BTreeSet::new(),
        };
        for act in acts {
            driven.act(act);
        }
        driven.act(Act::Disconnect);
        prop_assert!(driven.open.is_empty(), "open after disconnect: {:?}", driven.open);
        prop_assert!(driven.kept.is_empty(), "kept after disconnect: {:?}", driven.kept);
    }
}
