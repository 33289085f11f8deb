//! A page: the SDK's core, and in place of a browser what drives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use alo_chat::core::{
    CallId, Client, Config, Event as Told, FileMeta, Frame, HttpId, HttpReply, Incoming, Input,
    Instant, Lane, Method, Output, Request, Settled, SocketId, UploadId, codec,
};
use alo_protocol::{ChannelId, Limits};
use fastrand::Rng;

use crate::{
    Profile,
    features::{reads, send::Tag},
    network::LinkId,
    oracle::Verdict,
    page::PageId,
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
    pub(crate) connected: bool,
    /// Requests of the present connection that have no reply.
    unanswered: BTreeSet<u32>,
    /// Those that subscribe, with the channels that were not left since.
    pub(crate) subscribes: BTreeMap<u32, Vec<ChannelId>>,
}

/// What a call is for.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Send(Tag),
    Subscribe(Vec<ChannelId>),
    History,
    Counts(Vec<ChannelId>),
    /// A subscription to the own log, and what follows it.
    Own(reads::Then),
    /// A mark, or a count of what is not read.
    Reads,
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
            client: new_client(index, profile, rng),
            user: format!("user {}", index / profile.devices),
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
            unanswered: BTreeSet::new(),
            subscribes: BTreeMap::new(),
        }
    }
}

fn new_client(index: usize, profile: &Profile, rng: &mut Rng) -> Client<Payload> {
    Client::new(Config {
        seed: rng.u64(..),
        token_renewable: true,
        outbox_limit: profile.outbox,
        parallel_uploads: rng.usize(1..4),
        outbox_kept: profile.outbox_kept,
        device: format!(r#""device {index}""#).into(),
    })
}

// What every user does.
impl World {
    /// A client's page as it is now.
    pub(crate) fn page(&self, client: usize) -> PageId {
        PageId {
            client,
            life: self.clients[client].life,
        }
    }

    /// Connects.
    pub fn connect(&mut self, index: usize) -> CallId {
        let call = self.clients[index].next_call(Call::Other);
        self.note(|| format!("client {index} connects"));
        self.call(index, call, "connect", Input::Connect(call));
        call
    }

    /// Disconnects.
    pub fn disconnect(&mut self, index: usize) -> CallId {
        let call = self.clients[index].next_call(Call::Other);
        self.note(|| format!("client {index} disconnects"));
        self.call(index, call, "disconnect", Input::Disconnect(call));
        call
    }

    /// Aborts a call.
    pub fn abort(&mut self, index: usize, call: CallId) {
        self.note(|| format!("client {index} aborts call {}", call.0));
        self.oracle.history.aborted(self.page(index), call);
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
        let page = self.page(index);
        self.leave(index);
        self.oracle.closed(page);
        for link in std::mem::take(&mut self.clients[index].sockets).into_values() {
            self.hang_up(link);
        }
        let mut host = ClientHost::new(index, &self.profile, &mut self.rng);
        host.life = page.life + 1;
        host.offline = self.clients[index].offline;
        self.clients[index] = host;
    }

    /// Makes a request: its body is the method's name and the open object of its parameters.
    pub(crate) fn request(
        &mut self,
        index: usize,
        call: CallId,
        what: &'static str,
        body: String,
        lane: Lane,
    ) {
        let request = Request {
            bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
            body: body.into(),
            lane,
        };
        self.call(index, call, what, Input::Request(call, request));
    }

    pub(crate) fn call(
        &mut self,
        index: usize,
        call: CallId,
        what: &'static str,
        input: Input<'_, Payload>,
    ) {
        let page = self.page(index);
        self.oracle.called(page, call, what);
        self.counts.add(match what {
            "send" => "calls: sendMessage",
            "subscribe" => "calls: subscribe",
            "unsubscribe" => "calls: unsubscribe",
            "history" => "calls: fetchHistory",
            "counts" => "calls: messageCounts",
            "reads" => "calls: unreadCounts",
            "mark" => "calls: markRead",
            _ => "calls: others",
        });
        self.input(index, input);
        let verdict = self.oracle.bounded(page);
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

    /// A call that is being made.
    pub(crate) fn next_call(&mut self, call: Call) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.calls.insert(id.0, call);
        id
    }

    /// The number of the next message.
    pub(crate) const fn next_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
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
        let page = self.page(index);
        let is_foreign = is_current && self.is_foreign(page, &incoming);
        if is_current {
            if let Incoming::Reply(id, result) = &incoming {
                self.clients[index].unanswered.remove(id);
                if matches!(result, Err(error) if error.retry_after_ms.is_some()) {
                    self.counts.add("fault: rate exceeded");
                }
            }
            let starts = match &incoming {
                Incoming::Reply(_, Ok(result)) => {
                    codec::decode_recoveries(result).unwrap_or_default()
                }
                Incoming::Gap(recovery) => vec![recovery.clone()],
                Incoming::Welcome(_)
                | Incoming::Reply(_, Err(_))
                | Incoming::Pong
                | Incoming::Push { .. } => Vec::new(),
            };
            let asked = match &incoming {
                Incoming::Reply(id, _) => self.clients[index].subscribes.remove(id),
                Incoming::Welcome(_)
                | Incoming::Gap(_)
                | Incoming::Pong
                | Incoming::Push { .. } => None,
            };
            let oracle = &mut self.oracle;
            let starts = oracle
                .readers
                .starts(&oracle.model, page, &starts, asked.as_deref());
            self.check(starts);
        }
        self.input(index, Input::Received(socket, incoming));
        if is_foreign && self.clients[index].sockets.contains_key(&socket.0) {
            self.violate(format!("{page} takes no notice of another epoch"));
        }
    }

    /// Whether this is an event of a channel the page reads, from a log that is not the one it reads.
    fn is_foreign(&self, page: PageId, incoming: &Incoming<'_, Payload>) -> bool {
        let Incoming::Push { channel, epoch, .. } = incoming else {
            return false;
        };
        let oracle = &self.oracle;
        !epoch.is_empty()
            && oracle.model.database_of(epoch).is_none()
            && channel
                .parse()
                .is_ok_and(|channel| oracle.readers.reading(page, &channel).is_some())
    }

    /// A client says something to the gateway.
    fn says(&mut self, page: PageId, frame: &Frame<Payload>) -> Verdict {
        let ClientHost {
            unanswered,
            subscribes,
            ..
        } = &mut self.clients[page.client];
        match frame {
            Frame::Hello { .. } => {
                unanswered.clear();
                subscribes.clear();
                Ok(())
            }
            Frame::Request(id, method) => {
                unanswered.insert(*id);
                let (count, most) = (unanswered.len(), Limits::DEFAULT.requests_in_flight);
                if count > most as usize {
                    return Err(format!("{page} has {count} requests in flight"));
                }
                if let Method::Subscribe(channels) = method {
                    subscribes.insert(*id, channels.clone());
                }
                match method {
                    Method::Once { body, .. } => match Tag::of_body(body.as_str()) {
                        Some(tag) => self.oracle.sends.goes_out(page, tag),
                        None => Err(format!("{page} sends {body:?}")),
                    },
                    Method::Resume(channels) => self.oracle.readers.resumed(page, channels),
                    Method::Subscribe(_)
                    | Method::Unsubscribe(_)
                    | Method::Refresh(_)
                    | Method::Other(_) => Ok(()),
                }
            }
            Frame::Ping => Ok(()),
        }
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
        let timer = host.timer;
        let Some(deadline) = host.client.next_timeout() else {
            return;
        };
        let mut at = deadline.0.saturating_sub(host.origin).max(self.now);
        if host.hidden {
            // Browsers let the timers of hidden pages run once a minute.
            at = at.next_multiple_of(60_000);
        }
        let page = self.page(index);
        self.schedule_at(at, world::Event::Client(page, Event::Timer(timer)));
    }

    fn output(&mut self, index: usize, output: Output<Payload>) {
        let page = self.page(index);
        match output {
            Output::OpenSocket(socket) => self.dial(index, socket),
            Output::CloseSocket(socket) => {
                if let Some(link) = self.clients[index].sockets.remove(&socket.0) {
                    self.hang_up(link);
                }
            }
            Output::SendFrame(socket, frame) => {
                let verdict = self.says(page, &frame);
                self.check(verdict);
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
                self.upload(
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
                let verdict = self.oracle.sends.released(page, upload.0);
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
        let page = self.page(index);
        self.note(|| format!("client {index}: call {} is settled: {result:?}", call.0));
        let verdict = self.oracle.settled(page, call);
        self.check(verdict);
        let verdict = match self.clients[index].calls.remove(&call.0) {
            Some(Call::Send(tag)) => {
                self.oracle.sends.waits_no_longer(page, tag);
                self.send_settled(tag, result)
            }
            Some(Call::Subscribe(channels)) => {
                self.subscribe_settled(page, call, &channels, result)
            }
            Some(Call::History) => self.history_settled(page, call, result),
            Some(Call::Counts(channels)) => self.counts_settled(page, &channels, result),
            Some(Call::Own(then)) => self.own_settled(page, &then, result),
            Some(Call::Reads) => self.reads_settled(page, result),
            Some(Call::Other) => Ok(()),
            None => Err(format!(
                "{page}: call {} was settled but never made",
                call.0
            )),
        };
        self.check(verdict);
    }

    fn told(&mut self, index: usize, event: Told<Payload>) {
        let page = self.page(index);
        self.note(|| format!("client {index} is told {event:?}"));
        let verdict = match event {
            Told::Pushed(event) => self.delivered(page, event.as_str()),
            Told::Connected | Told::Disconnected => {
                let connects = matches!(event, Told::Connected);
                let was = std::mem::replace(&mut self.clients[index].connected, connects);
                if was == connects {
                    Err(format!("client {index} was told twice: {event:?}"))
                } else {
                    Ok(())
                }
            }
            Told::Gap(channel, reason) => self.gap(page, &channel, reason),
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
}
