//! A page: the SDK's core, and in place of a browser what drives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use alo_chat::core::{
    CallId, Client, Config, Event as Told, FileMeta, Frame, HttpId, HttpReply, Incoming, Input,
    Instant, Lane, Output, Request, Settled, SocketId, UploadId, codec,
};
use alo_protocol::{ChannelId, Uuid};
use fastrand::Rng;

use crate::{
    Profile, gateway,
    network::LinkId,
    oracle::Tag,
    storage::Access,
    tus,
    wire::{self, Payload},
    world::{self, World},
};

/// A person's page.
pub(crate) struct ClientHost {
    client: Client<Payload>,
    pub(crate) user: String,
    /// Raised with every reload: what is meant for an earlier page is lost.
    pub(crate) life: u32,
    /// Where this page's clock began.
    origin: u64,
    timer: u32,
    pub(crate) frozen_until: u64,
    pub(crate) hidden: bool,
    pub(crate) offline: bool,
    pub(crate) sockets: BTreeMap<u32, LinkId>,
    pub(crate) http: BTreeSet<u32>,
    calls: BTreeMap<u32, Call>,
    next_call: u32,
    next_number: u32,
    next_upload: u32,
    files: BTreeMap<u32, FileMeta>,
    connected: bool,
}

#[derive(Clone, Debug)]
enum Call {
    Send(Tag),
    Subscribe,
    Other,
}

/// What happens at a page.
#[derive(Debug)]
pub(crate) enum Event {
    Timer(u32),
    Token(Result<String, String>),
    Opened(LinkId),
    Frame(LinkId, Rc<str>),
    Closed(SocketId, u16),
    Http(HttpId, Option<HttpReply>),
    Storage(Access),
    Wake,
}

impl Event {
    pub(crate) const fn is_write(&self) -> bool {
        matches!(
            self,
            Self::Storage(Access::Keep(_) | Access::KeepUpload { .. } | Access::Forget(_))
        )
    }
}

impl ClientHost {
    pub(crate) fn new(index: usize, profile: &Profile, rng: &mut Rng) -> Self {
        Self {
            client: new_client(profile, rng),
            user: format!("user {index}"),
            life: 0,
            origin: rng.u64(..1_000_000),
            timer: 0,
            frozen_until: 0,
            hidden: false,
            offline: false,
            sockets: BTreeMap::new(),
            http: BTreeSet::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            next_number: 0,
            next_upload: 0,
            files: BTreeMap::new(),
            connected: false,
        }
    }
}

fn new_client(profile: &Profile, rng: &mut Rng) -> Client<Payload> {
    Client::new(Config {
        seed: rng.u64(..),
        token_renewable: true,
        outbox_limit: profile.outbox,
        parallel_uploads: rng.usize(1..4),
        outbox_kept: profile.outbox_kept,
    })
}

// What a user does.
impl World {
    /// Sends a message, with files of these sizes.
    pub fn send(
        &mut self,
        index: usize,
        channel: &ChannelId,
        parent: Option<Uuid>,
        sizes: &[u64],
    ) -> CallId {
        let host = &mut self.clients[index];
        let (call, number) = (host.next_call(), host.next_number);
        host.next_number += 1;
        let tag = Tag {
            client: index,
            life: host.life,
            number,
            has_files: !sizes.is_empty(),
        };
        let mut files = Vec::new();
        for &size in sizes {
            let meta = FileMeta {
                channel: channel.clone(),
                name: "file".into(),
                size,
            };
            files.push((host.add_file(meta.clone()), meta));
        }
        host.calls.insert(call.0, Call::Send(tag));
        let uploads: Vec<_> = files.iter().map(|(id, _)| id.0).collect();
        self.oracle.sent(tag, &uploads);
        let parent = parent.map_or_else(String::new, |id| format!(r#","parentId":"{id}""#));
        let body = format!(
            r#""message.send","params":{{"channelId":"{channel}"{parent},"content":"{tag}""#
        );
        let unix_ms = gateway::UNIX_MS + self.now;
        self.note(|| {
            format!(
                "client {index} sends {tag} to {channel} with {} files",
                sizes.len()
            )
        });
        self.call(
            index,
            call,
            "send",
            Input::Request(
                call,
                Request {
                    bytes: body.len() as u32,
                    body: body.into(),
                    lane: Lane::Once { unix_ms, files },
                },
            ),
        );
        call
    }

    /// Subscribes.
    pub fn subscribe(&mut self, index: usize, channels: &[ChannelId]) -> CallId {
        let call = self.clients[index].next_call();
        self.clients[index].calls.insert(call.0, Call::Subscribe);
        self.note(|| format!("client {index} subscribes to {channels:?}"));
        self.call(
            index,
            call,
            "subscribe",
            Input::Subscribe(call, channels.to_vec()),
        );
        call
    }

    /// Unsubscribes.
    pub fn unsubscribe(&mut self, index: usize, channels: &[ChannelId]) -> CallId {
        let call = self.other_call(index);
        let life = self.clients[index].life;
        self.oracle.unsubscribed(index, life, call, channels);
        self.note(|| format!("client {index} unsubscribes from {channels:?}"));
        self.call(
            index,
            call,
            "unsubscribe",
            Input::Unsubscribe(call, channels.to_vec()),
        );
        call
    }

    /// Connects.
    pub fn connect(&mut self, index: usize) -> CallId {
        let call = self.other_call(index);
        self.note(|| format!("client {index} connects"));
        self.call(index, call, "connect", Input::Connect(call));
        call
    }

    /// Disconnects.
    pub fn disconnect(&mut self, index: usize) -> CallId {
        let call = self.other_call(index);
        self.note(|| format!("client {index} disconnects"));
        self.call(index, call, "disconnect", Input::Disconnect(call));
        call
    }

    /// Asks for the token, as a download does.
    pub fn token(&mut self, index: usize) -> CallId {
        let call = self.other_call(index);
        self.call(
            index,
            call,
            "token",
            Input::Token {
                call,
                refused: None,
            },
        );
        call
    }

    /// Aborts a call.
    pub fn abort(&mut self, index: usize, call: CallId) {
        self.note(|| format!("client {index} aborts call {}", call.0));
        self.input(index, Input::Abort(call));
    }

    /// The last call made.
    pub fn last_call(&self, index: usize) -> CallId {
        CallId(self.clients[index].next_call.saturating_sub(1))
    }

    /// Closes the page and opens it again.
    pub fn reload(&mut self, index: usize) {
        self.counts.add("fault: page reloaded");
        self.note(|| format!("client {index} is reloaded"));
        let life = self.clients[index].life;
        self.leave(index);
        self.oracle.closed(index, life);
        for link in std::mem::take(&mut self.clients[index].sockets).into_values() {
            self.hang_up(link);
        }
        let mut host = ClientHost::new(index, &self.profile, &mut self.rng);
        host.life = life + 1;
        host.offline = self.clients[index].offline;
        self.clients[index] = host;
    }

    /// A call that stands for a message of an earlier page.
    pub(crate) fn resend(&mut self, index: usize, tag: Tag) -> CallId {
        let host = &mut self.clients[index];
        let call = host.next_call();
        host.calls.insert(call.0, Call::Send(tag));
        self.oracle.called(index, host.life, call, "restored send");
        call
    }

    fn other_call(&mut self, index: usize) -> CallId {
        let call = self.clients[index].next_call();
        self.clients[index].calls.insert(call.0, Call::Other);
        call
    }

    fn call(&mut self, index: usize, call: CallId, what: &'static str, input: Input<'_, Payload>) {
        let life = self.clients[index].life;
        self.oracle.called(index, life, call, what);
        self.counts.add(match what {
            "send" => "calls: sendMessage",
            "subscribe" => "calls: subscribe",
            "unsubscribe" => "calls: unsubscribe",
            _ => "calls: others",
        });
        self.input(index, input);
        let verdict = self.oracle.bounded(index, life);
        self.check(verdict);
    }
}

impl ClientHost {
    /// A file at hand.
    pub(crate) fn add_file(&mut self, meta: FileMeta) -> UploadId {
        let upload = UploadId(self.next_upload);
        self.next_upload += 1;
        self.files.insert(upload.0, meta);
        upload
    }

    fn next_call(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call - 1)
    }
}

// What drives the core.
impl World {
    pub(crate) fn at_client(&mut self, index: usize, event: Event) {
        match event {
            Event::Timer(timer) => {
                if self.clients[index].timer == timer {
                    self.input(index, Input::Timeout);
                }
            }
            Event::Token(result) => self.input(index, Input::TokenFetched(result)),
            Event::Opened(link) => {
                let Some(socket) = self.links.get(&link).map(|link| link.socket) else {
                    return;
                };
                self.input(index, Input::SocketOpened(socket));
            }
            Event::Frame(link, text) => {
                let Some(socket) = self.links.get(&link).map(|link| link.socket) else {
                    return;
                };
                let items = match wire::items(text.clone()) {
                    Ok(items) => items,
                    Err(error) => return self.violate(format!("the gateway sent {text}: {error}")),
                };
                for item in &items {
                    match item.incoming() {
                        Some(incoming) => self.received(index, socket, incoming),
                        None => self.violate(format!("the gateway sent {text}")),
                    }
                }
            }
            Event::Closed(socket, code) => {
                self.clients[index].sockets.remove(&socket.0);
                self.input(index, Input::SocketClosed(socket, code));
            }
            Event::Http(id, reply) => {
                if self.clients[index].http.remove(&id.0) {
                    self.input(index, Input::HttpDone(id, reply));
                }
            }
            Event::Storage(access) => self.accessed(index, access),
            Event::Wake => self.input(index, Input::Wake),
        }
    }

    fn received(&mut self, index: usize, socket: SocketId, incoming: Incoming<'_, Payload>) {
        let is_current = self.clients[index].sockets.contains_key(&socket.0);
        if is_current {
            let life = self.clients[index].life;
            match &incoming {
                Incoming::Reply(_, Ok(result)) => {
                    let starts = codec::decode_recoveries(result).unwrap_or_default();
                    self.oracle.starts(index, life, &starts);
                }
                Incoming::Gap(recovery) => {
                    self.oracle
                        .starts(index, life, std::slice::from_ref(recovery));
                }
                Incoming::Welcome(welcome) => {
                    let anew = welcome.channels.iter().filter(|one| one.gap.is_some());
                    let anew: Vec<_> = anew.cloned().collect();
                    self.oracle.starts(index, life, &anew);
                }
                Incoming::Reply(_, Err(_)) | Incoming::Pong | Incoming::Push { .. } => {}
            }
        }
        self.input(index, Input::Received(socket, incoming));
    }

    pub(crate) fn input(&mut self, index: usize, input: Input<'_, Payload>) {
        let host = &mut self.clients[index];
        let now = Instant(host.origin + self.now);
        host.client.handle(now, input);
        while let Some(output) = self.clients[index].client.poll_output() {
            self.output(index, output);
        }
        self.set_timer(index);
    }

    fn set_timer(&mut self, index: usize) {
        let host = &mut self.clients[index];
        host.timer += 1;
        let (life, timer) = (host.life, host.timer);
        let Some(deadline) = host.client.next_timeout() else {
            return;
        };
        let mut at = deadline.0.saturating_sub(host.origin).max(self.now);
        if host.hidden {
            // Browsers let the timers of hidden pages run once a minute.
            at = at.next_multiple_of(60_000);
        }
        self.schedule_at(at, world::Event::Client(index, life, Event::Timer(timer)));
    }

    fn output(&mut self, index: usize, output: Output<Payload>) {
        let life = self.clients[index].life;
        match output {
            Output::OpenSocket(socket) => self.dial(index, socket),
            Output::CloseSocket(socket) => {
                if let Some(link) = self.clients[index].sockets.remove(&socket.0) {
                    self.hang_up(link);
                }
            }
            Output::SendFrame(socket, frame) => {
                if let Frame::Hello { channels, .. } = &frame {
                    let verdict = self.oracle.greeted(index, life, channels);
                    self.check(verdict);
                }
                if let Some(link) = self.clients[index].sockets.get(&socket.0).copied() {
                    self.send_to_gateway(link, wire::encode(&frame));
                }
            }
            Output::FetchToken => self.fetch_token(index),
            Output::Http {
                id,
                upload,
                token,
                request,
            } => {
                self.clients[index].http.insert(id.0);
                let Some(FileMeta { channel, size, .. }) =
                    self.clients[index].files.get(&upload.0).cloned()
                else {
                    return self.violate(format!(
                        "client {index} uploads {upload:?}, which it does not have"
                    ));
                };
                self.request(
                    index,
                    tus::Request {
                        id,
                        token,
                        channel,
                        size,
                        request,
                    },
                );
            }
            Output::CancelHttp(id) => {
                self.clients[index].http.remove(&id.0);
            }
            Output::Settle(call, result) => self.settled(index, call, result),
            Output::Emit(event) => self.told(index, event),
            Output::Storage(storage) => self.store(index, storage),
            Output::ReleaseUpload(upload) => {
                let verdict = self.oracle.released(index, life, upload.0);
                self.check(verdict);
            }
        }
    }

    fn settled(
        &mut self,
        index: usize,
        call: CallId,
        result: Result<Settled<Payload>, alo_chat::core::Error>,
    ) {
        let life = self.clients[index].life;
        self.note(|| format!("client {index}: call {} is settled: {result:?}", call.0));
        let verdict = self.oracle.settled(index, life, call);
        self.check(verdict);
        let made = self.clients[index].calls.remove(&call.0);
        let verdict = match (made, result) {
            (Some(Call::Send(tag)), Ok(Settled::Value(result))) => {
                self.counts.add("sends resolved");
                self.oracle.send_succeeded(tag, result.as_str())
            }
            (Some(Call::Send(tag)), Err(error)) => {
                self.counts.add("sends refused");
                self.oracle.send_failed(tag, &error)
            }
            (Some(Call::Subscribe), Ok(Settled::Subscribed(channels))) => {
                self.oracle.subscribed(index, life, call, &channels);
                Ok(())
            }
            (Some(Call::Subscribe | Call::Other), _) => Ok(()),
            (Some(Call::Send(tag)), Ok(other)) => {
                Err(format!("send {tag} was answered with {other:?}"))
            }
            (None, _) => Err(format!(
                "client {index}: call {} was settled but never made",
                call.0
            )),
        };
        self.check(verdict);
    }

    fn told(&mut self, index: usize, event: Told<Payload>) {
        let life = self.clients[index].life;
        self.note(|| format!("client {index} is told {event:?}"));
        let verdict = match event {
            Told::Pushed(event) => {
                self.counts.add("events delivered");
                self.oracle.heard(index, life, event.as_str())
            }
            Told::Connected | Told::Disconnected => {
                let connects = matches!(event, Told::Connected);
                let was = std::mem::replace(&mut self.clients[index].connected, connects);
                if was == connects {
                    Err(format!("client {index} was told twice: {event:?}"))
                } else {
                    Ok(())
                }
            }
            Told::Gap(channel, reason) => {
                self.counts.add("gaps told");
                self.oracle.gap(index, life, &channel, reason.is_none())
            }
            Told::UploadComplete(..) => {
                self.counts.add("uploads completed");
                Ok(())
            }
            Told::Reconnecting { .. } => {
                self.counts.add("reconnects");
                Ok(())
            }
            Told::Failed(_) => {
                self.counts.add("clients that stopped");
                Ok(())
            }
            Told::UploadProgress(..) | Told::UploadError(..) => Ok(()),
        };
        self.check(verdict);
    }

    fn fetch_token(&mut self, index: usize) {
        let life = self.clients[index].life;
        let mut delay = self.latency() * 2;
        let result = if self.happens(self.profile.token_errors) {
            match self.rng.u8(..4) {
                0 => {
                    self.counts.add("fault: token late");
                    delay += self.rng.u64(..90_000);
                    Ok(self.new_token(index, 0))
                }
                1 => {
                    self.counts.add("fault: token old");
                    let age = self.rng.u64(..120_000);
                    Ok(self.new_token(index, age))
                }
                2 => {
                    self.counts.add("fault: token of another secret");
                    Ok("not a token".to_owned())
                }
                _ => {
                    self.counts.add("fault: token function failed");
                    Err("it failed".to_owned())
                }
            }
        } else {
            Ok(self.new_token(index, 0))
        };
        self.schedule(
            delay,
            world::Event::Client(index, life, Event::Token(result)),
        );
    }
}
