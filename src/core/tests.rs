//! The client as a whole, driven by hand: time moves only when a test says so.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "tests pick what they look for"
)]

use alo_protocol::{CloseCode, Cursor, ErrorCode, GapReason, Limits, Uuid};

use super::*;

mod kept;

type Out = Output<&'static str>;

/// A client with its clock, and what it has said so far.
struct Driven {
    client: Client<&'static str>,
    now: Instant,
    socket: SocketId,
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
        })
    }

    fn with(config: Config) -> Self {
        Self {
            client: Client::new(config),
            now: Instant(1_000),
            socket: SocketId(0),
        }
    }

    /// A client that is connected.
    fn online() -> Self {
        let mut driven = Self::new(true);
        driven.input(Input::Connect(CallId(0)));
        let out = driven.come_online(vec![]);
        assert!(out.contains(&Output::Settle(CallId(0), Ok(Settled::Done))));
        driven
    }

    fn input(&mut self, input: Input<'_, &'static str>) -> Vec<Out> {
        self.client.handle(self.now, input);
        let out: Vec<_> = std::iter::from_fn(|| self.client.poll_output()).collect();
        for output in &out {
            if let Output::OpenSocket(id) = output {
                self.socket = *id;
            }
        }
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

    /// Token, socket, hello and welcome.
    fn come_online(&mut self, channels: Vec<Recovery>) -> Vec<Out> {
        let mut out = self.input(Input::TokenFetched(Ok("token".into())));
        out.extend(self.reopen(channels));
        out
    }

    fn reopen(&mut self, channels: Vec<Recovery>) -> Vec<Out> {
        let mut out = self.input(Input::SocketOpened(self.socket));
        let welcome = Welcome {
            user: "Ann".into(),
            heartbeat_ms: 25_000,
            token_expires_in_ms: 86_400_000,
            limits: Limits::DEFAULT,
            channels,
        };
        out.extend(self.receive(Incoming::Welcome(welcome)));
        out
    }

    fn receive(&mut self, incoming: Incoming<'_, &'static str>) -> Vec<Out> {
        self.input(Input::Received(self.socket, incoming))
    }

    fn push(&mut self, seq: u64, event: &'static str) -> Vec<Out> {
        self.receive(Incoming::Push {
            channel: "a",
            epoch: "e",
            seq,
            event,
        })
    }

    fn close(&mut self, code: u16) -> Vec<Out> {
        self.input(Input::SocketClosed(self.socket, code))
    }

    fn subscribe(&mut self, call: u32, seq: u64) {
        let out = self.input(Input::Subscribe(CallId(call), vec![channel()]));
        let reply = Reply {
            message: None,
            channels: vec![recovery(seq, None)],
            token_expires_in_ms: None,
        };
        let out = self.receive(Incoming::Reply(request(&out).0, Ok(reply)));
        assert_eq!(
            out,
            [Output::Settle(
                CallId(call),
                Ok(Settled::Subscribed(vec![channel()]))
            )]
        );
    }

    fn send(&mut self, call: u32, files: Vec<(UploadId, FileMeta)>) -> Vec<Out> {
        let draft = Draft {
            channel: channel(),
            parent: None,
            body: "hi",
            body_bytes: 2,
        };
        self.input(Input::Send {
            call: CallId(call),
            draft,
            files,
            unix_ms: 1,
        })
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

fn sent(message: &'static str) -> Reply<&'static str> {
    Reply {
        message: Some(message),
        channels: vec![],
        token_expires_in_ms: None,
    }
}

/// The one request in these outputs.
fn request(out: &[Out]) -> (u32, Method<&'static str>) {
    requests(out)
        .pop()
        .unwrap_or_else(|| panic!("no request in {out:?}"))
}

fn requests(out: &[Out]) -> Vec<(u32, Method<&'static str>)> {
    let request = |output: &Out| match output {
        Output::SendFrame(_, Frame::Request(id, method)) => Some((*id, method.clone())),
        _ => None,
    };
    out.iter().filter_map(request).collect()
}

fn keys(out: &[Out]) -> Vec<Uuid> {
    let key = |(_, method)| match method {
        Method::Send { key, .. } => Some(key),
        _ => None,
    };
    requests(out).into_iter().filter_map(key).collect()
}

fn http(out: &[Out]) -> (HttpId, HttpRequest) {
    let found = out.iter().find_map(|output| match output {
        Output::Http { id, request, .. } => Some((*id, request.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no HTTP request in {out:?}"))
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

#[test]
fn a_send_made_before_the_connection_waits_and_goes_out_once() {
    let mut driven = Driven::new(true);
    assert_eq!(driven.send(1, vec![]), [Output::FetchToken]);
    let out = driven.come_online(vec![]);
    let (id, _) = request(&out);
    assert_eq!(
        driven.receive(Incoming::Reply(id, Ok(sent("stored")))),
        [Output::Settle(CallId(1), Ok(Settled::Sent("stored")))]
    );
    // A second reply to the same request is nothing to anybody.
    assert_eq!(driven.receive(Incoming::Reply(id, Ok(sent("stored")))), []);
}

#[test]
fn unanswered_sends_go_out_again_in_order_with_the_same_keys() {
    let mut driven = Driven::online();
    let mut first = driven.send(1, vec![]);
    first.extend(driven.send(2, vec![]));
    first.extend(driven.send(3, vec![]));
    let ids = requests(&first);
    driven.receive(Incoming::Reply(ids[0].0, Ok(sent("one"))));
    driven.close(1006);
    driven.advance();
    let again = driven.reopen(vec![]);
    assert_eq!(keys(&again), keys(&first)[1..]);
}

#[test]
fn a_late_frame_of_an_old_socket_is_ignored() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![]);
    let (old, (id, _)) = (driven.socket, request(&out));
    driven.close(1006);
    driven.advance();
    driven.reopen(vec![]);
    assert_eq!(
        driven.input(Input::Received(old, Incoming::Reply(id, Ok(sent("late"))))),
        []
    );
}

#[test]
fn events_are_delivered_once_in_order_and_resumed_from_the_cursor() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    assert_eq!(driven.push(6, "six"), [Output::Emit(Event::Pushed("six"))]);
    assert_eq!(driven.push(6, "six"), []);
    driven.close(1006);
    driven.advance();
    let out = driven.input(Input::SocketOpened(driven.socket));
    let hello = Frame::Hello {
        token: "token".into(),
        channels: vec![(
            channel(),
            Cursor {
                epoch: "e".into(),
                seq: 6,
            },
        )],
    };
    assert_eq!(out, [Output::SendFrame(driven.socket, hello)]);
}

#[test]
fn a_missing_event_makes_the_client_resume() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let old = driven.socket;
    let out = driven.push(8, "eight");
    assert_eq!(
        out[..2],
        [Output::Emit(Event::Disconnected), Output::CloseSocket(old)]
    );
    driven.advance();
    driven.reopen(vec![recovery(5, None)]);
    assert_eq!(driven.push(6, "six"), [Output::Emit(Event::Pushed("six"))]);
}

#[test]
fn what_cannot_be_recovered_is_told() {
    for (recovered, reason) in [
        (
            recovery(9, Some(GapReason::Expired)),
            Some(GapReason::Expired),
        ),
        (
            Recovery {
                channel: channel(),
                cursor: None,
                gap: None,
            },
            None,
        ),
    ] {
        let mut driven = Driven::online();
        driven.subscribe(1, 5);
        driven.close(1006);
        driven.advance();
        let out = driven.reopen(vec![recovered]);
        assert!(
            out.contains(&Output::Emit(Event::Gap(channel(), reason))),
            "{out:?}"
        );
        assert_eq!(driven.client.is_subscribed(&channel()), reason.is_some());
    }
}

#[test]
fn the_last_word_on_a_channel_wins_across_a_reconnect() {
    let mut driven = Driven::online();
    driven.input(Input::Subscribe(CallId(1), vec![channel()]));
    driven.input(Input::Unsubscribe(CallId(2), vec![channel()]));
    driven.close(1006);
    driven.advance();
    let out = driven.reopen(vec![]);
    // The subscribe has nothing left to ask for.
    assert!(out.contains(&Output::Settle(
        CallId(1),
        Ok(Settled::Subscribed(vec![channel()]))
    )));
    let asked = requests(&out);
    let [(request, Method::Unsubscribe(_))] = &asked[..] else {
        panic!("{out:?}");
    };
    driven.receive(Incoming::Reply(*request, Ok(reply_at(5))));
    assert!(!driven.client.is_subscribed(&channel()));
}

/// The gateway answers an unsubscribe at once and a subscribe when the store has answered, so their
/// replies may come the other way round.
#[test]
fn a_late_reply_to_subscribe_does_not_bring_back_a_channel_left_since() {
    let mut driven = Driven::online();
    let (subscribe, _) = request(&driven.input(Input::Subscribe(CallId(1), vec![channel()])));
    let (leave, _) = request(&driven.input(Input::Unsubscribe(CallId(2), vec![channel()])));
    driven.receive(Incoming::Reply(leave, Ok(reply_at(5))));
    driven.receive(Incoming::Reply(subscribe, Ok(reply_at(5))));
    assert!(!driven.client.is_subscribed(&channel()));
    assert_eq!(driven.push(6, "event"), []);
}

fn reply_at(seq: u64) -> Reply<&'static str> {
    Reply {
        message: None,
        channels: vec![recovery(seq, None)],
        token_expires_in_ms: None,
    }
}

#[test]
fn a_refused_subscribe_is_not_taken_up_again() {
    let mut driven = Driven::online();
    let out = driven.input(Input::Subscribe(CallId(1), vec![channel()]));
    let error = Error::new(ErrorCode::ChannelForbidden, "a");
    let out = driven.receive(Incoming::Reply(request(&out).0, Err(error.clone())));
    assert_eq!(out, [Output::Settle(CallId(1), Err(error))]);
    driven.close(1006);
    driven.advance();
    assert!(requests(&driven.reopen(vec![])).is_empty());
}

#[test]
fn a_silent_connection_is_pinged_and_then_given_up() {
    let mut driven = Driven::online();
    let ping = Output::SendFrame(driven.socket, Frame::Ping);
    assert_eq!(driven.advance(), [ping]);
    let out = driven.advance();
    assert!(out.contains(&Output::Emit(Event::Disconnected)), "{out:?}");
    assert!(matches!(
        out.last(),
        Some(Output::Emit(Event::Reconnecting { attempt: 1, .. }))
    ));
}

#[test]
fn a_deadline_slept_through_is_no_proof_of_death() {
    let mut driven = Driven::online();
    driven.advance();
    driven.now = driven.now.plus(3_600_000);
    assert_eq!(
        driven.input(Input::Timeout),
        [
            Output::SendFrame(driven.socket, Frame::Ping),
            Output::FetchToken
        ][..1]
    );
}

#[test]
fn waking_reconnects_at_once() {
    let mut driven = Driven::online();
    driven.close(1006);
    assert!(matches!(
        driven.input(Input::Wake)[..],
        [Output::OpenSocket(_)]
    ));
}

#[test]
fn a_refused_token_is_fetched_again_and_a_fixed_one_ends_in_an_error() {
    let mut driven = Driven::online();
    driven.close(CloseCode::TokenExpired.code());
    assert!(driven.advance().contains(&Output::FetchToken));

    let mut driven = Driven::new(false);
    driven.send(1, vec![]);
    driven.come_online(vec![]);
    let out = driven.close(CloseCode::TokenExpired.code());
    assert!(error_of(&out, 1).is(ErrorCode::TokenExpired));
    assert!(
        out.iter()
            .any(|output| matches!(output, Output::Emit(Event::Failed(_))))
    );
    assert_eq!(driven.client.next_timeout(), None);
}

#[test]
fn an_auth_token_that_never_works_ends_in_an_error() {
    let mut driven = Driven::new(true);
    driven.send(1, vec![]);
    for _ in 0..4 {
        let out = driven.input(Input::TokenFetched(Err("no".into())));
        assert!(
            matches!(out[..], [Output::Emit(Event::Reconnecting { .. })]),
            "{out:?}"
        );
        assert_eq!(driven.advance(), [Output::FetchToken]);
    }
    let out = driven.input(Input::TokenFetched(Err("no".into())));
    assert!(error_of(&out, 1).is(ErrorCode::TokenUnavailable));
}

#[test]
fn the_token_is_renewed_without_a_reconnect() {
    let mut driven = Driven::online();
    let mut out = vec![];
    while !out.contains(&Output::FetchToken) {
        out = driven.advance();
        driven.receive(Incoming::Pong);
    }
    let out = driven.input(Input::TokenFetched(Ok("newer".into())));
    let (id, method) = request(&out);
    assert_eq!(method, Method::Refresh("newer".into()));
    let reply = Reply {
        message: None,
        channels: vec![],
        token_expires_in_ms: Some(60_000),
    };
    assert_eq!(driven.receive(Incoming::Reply(id, Ok(reply))), []);
}

#[test]
fn a_token_that_cannot_be_renewed_yet_is_used_on() {
    let mut driven = Driven::online();
    let mut out = vec![];
    while !out.contains(&Output::FetchToken) {
        out = driven.advance();
        driven.receive(Incoming::Pong);
    }
    driven.input(Input::TokenFetched(Err("down".into())));
    let out = driven.send(1, vec![(UploadId(0), meta(9))]);
    assert!(
        out.iter()
            .any(|output| matches!(output, Output::Http { token, .. } if token == "token"))
    );
    // And it is asked for again.
    let mut out = vec![];
    while !out.contains(&Output::FetchToken) {
        out = driven.advance();
    }
}

#[test]
fn a_download_does_not_wait_for_ever_for_a_token() {
    let mut driven = Driven::new(true);
    let call = CallId(1);
    let wanted = Input::Token {
        call,
        refused: None,
    };
    assert_eq!(driven.input(wanted), [Output::FetchToken]);
    assert!(error_of(&driven.advance(), 1).is(ErrorCode::TokenUnavailable));
}

#[test]
fn disconnect_settles_every_call() {
    let mut driven = Driven::new(true);
    driven.input(Input::Connect(CallId(1)));
    driven.input(Input::Subscribe(CallId(2), vec![channel()]));
    driven.send(3, vec![]);
    driven.send(4, vec![(UploadId(0), meta(9))]);
    driven.input(Input::Token {
        call: CallId(5),
        refused: None,
    });
    let out = driven.input(Input::Disconnect(CallId(6)));
    for call in 1..=5 {
        assert!(error_of(&out, call).is(ErrorCode::Disconnected));
    }
    assert_eq!(
        out.last(),
        Some(&Output::Settle(CallId(6), Ok(Settled::Done)))
    );
}

#[test]
fn the_outbox_is_bounded() {
    let mut driven = Driven::new(true);
    for call in 0..4 {
        driven.send(call, vec![]);
    }
    assert!(error_of(&driven.send(4, vec![]), 4).is(ErrorCode::OutboxFull));
}

#[test]
fn a_body_over_the_frame_limit_fails_alone() {
    let mut driven = Driven::online();
    let draft = Draft {
        channel: channel(),
        parent: None,
        body: "big",
        body_bytes: 10_000_000,
    };
    let out = driven.input(Input::Send {
        call: CallId(1),
        draft,
        files: vec![],
        unix_ms: 1,
    });
    assert!(error_of(&out, 1).is(ErrorCode::ContentTooLarge));
    assert_eq!(keys(&driven.send(2, vec![])).len(), 1);
}

#[test]
fn a_small_file_goes_up_in_one_request_and_then_its_message() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9))]);
    let (id, request_) = http(&out);
    assert!(matches!(request_, HttpRequest::Create { length: 9, .. }));
    let out = driven.input(Input::HttpDone(id, Some(reply(201, Some(9)))));
    let file: Uuid = FILE.parse().unwrap();
    assert!(out.contains(&Output::Emit(Event::UploadComplete(UploadId(0), file))));
    assert!(matches!(request(&out).1, Method::Send { files, .. } if files == [file]));
}

#[test]
fn an_interrupted_upload_asks_for_its_offset_and_goes_on_there() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(5 << 20))]);
    let out = driven.input(Input::HttpDone(
        http(&out).0,
        Some(reply(201, Some(1 << 20))),
    ));
    let (id, append) = http(&out);
    assert!(
        matches!(
            append,
            HttpRequest::Append {
                offset: 1_048_576,
                ..
            }
        ),
        "{append:?}"
    );
    driven.input(Input::HttpDone(id, None));
    let (id, probe) = http(&driven.advance());
    assert!(matches!(probe, HttpRequest::Probe { .. }));
    let out = driven.input(Input::HttpDone(id, Some(reply(200, Some(2_000_000)))));
    assert!(matches!(
        http(&out).1,
        HttpRequest::Append {
            offset: 2_000_000,
            ..
        }
    ));
}

#[test]
fn an_upload_the_gateway_lost_starts_anew() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(5 << 20))]);
    let out = driven.input(Input::HttpDone(
        http(&out).0,
        Some(reply(201, Some(1 << 20))),
    ));
    driven.input(Input::HttpDone(http(&out).0, Some(reply(404, None))));
    assert!(matches!(
        http(&driven.advance()).1,
        HttpRequest::Create { .. }
    ));
}

#[test]
fn a_refused_file_fails_its_message_and_ends_its_siblings() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9)), (UploadId(1), meta(9))]);
    let error = Error::new(ErrorCode::FileTooLarge, "too large");
    let refusal = HttpReply {
        error: Some(error),
        ..reply(413, None)
    };
    let out = driven.input(Input::HttpDone(http(&out).0, Some(refusal)));
    assert!(error_of(&out, 1).is(ErrorCode::FileTooLarge));
    assert_eq!(error_of(&out, 1).message, "file \"f\": too large");
    for upload in [UploadId(0), UploadId(1)] {
        assert!(out.contains(&Output::ReleaseUpload(upload)));
    }
    assert!(
        out.iter()
            .any(|output| matches!(output, Output::CancelHttp(_)))
    );
}

#[test]
fn a_server_that_keeps_failing_fails_the_upload_in_the_end() {
    let mut driven = Driven::online();
    let mut out = driven.send(1, vec![(UploadId(0), meta(9))]);
    for _ in 0..8 {
        driven.input(Input::HttpDone(http(&out).0, Some(reply(500, None))));
        out = driven.advance();
        while !out
            .iter()
            .any(|output| matches!(output, Output::Http { .. }))
        {
            driven.receive(Incoming::Pong);
            out = driven.advance();
        }
    }
    let out = driven.input(Input::HttpDone(http(&out).0, Some(reply(500, None))));
    assert!(error_of(&out, 1).is(ErrorCode::UploadFailed));
}

fn http_ids(out: &[Out]) -> Vec<HttpId> {
    let id = |output: &Out| match output {
        Output::Http { id, .. } => Some(*id),
        _ => None,
    };
    out.iter().filter_map(id).collect()
}

#[test]
fn several_uploads_refused_with_one_stale_token_ask_for_one_new_token() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9)), (UploadId(1), meta(9))]);
    let ids = http_ids(&out);
    let first = driven.input(Input::HttpDone(ids[0], Some(reply(401, None))));
    assert_eq!(first, [Output::FetchToken]);
    assert_eq!(
        driven.input(Input::HttpDone(ids[1], Some(reply(401, None)))),
        []
    );
    let out = driven.input(Input::TokenFetched(Ok("newer".into())));
    let again = out
        .iter()
        .filter(|output| matches!(output, Output::Http { token, .. } if token == "newer"));
    assert_eq!(again.count(), 2);
}

#[test]
fn a_refusal_that_comes_late_does_not_harm_the_newer_token() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9)), (UploadId(1), meta(9))]);
    let ids = http_ids(&out);
    driven.input(Input::HttpDone(ids[0], Some(reply(401, None))));
    driven.input(Input::TokenFetched(Ok("newer".into())));
    let out = driven.input(Input::HttpDone(ids[1], Some(reply(401, None))));
    assert!(!out.contains(&Output::FetchToken), "{out:?}");
    assert!(matches!(&out[..], [Output::Http { token, .. }] if token == "newer"));
}

#[test]
fn an_aborted_send_is_taken_back_unless_it_is_on_its_way() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9))]);
    let (id, _) = http(&out);
    let out = driven.input(Input::Abort(CallId(1)));
    assert!(error_of(&out, 1).is(ErrorCode::Aborted));
    assert!(out.contains(&Output::CancelHttp(id)));

    driven.send(2, vec![]);
    assert_eq!(driven.input(Input::Abort(CallId(2))), []);
    // Nor is it when its connection is lost: it may have been stored.
    driven.close(1006);
    assert_eq!(driven.input(Input::Abort(CallId(2))), []);
}

#[test]
fn a_message_with_files_does_not_hold_back_the_next_one() {
    let mut driven = Driven::online();
    driven.send(1, vec![(UploadId(0), meta(9))]);
    assert_eq!(keys(&driven.send(2, vec![])).len(), 1);
}
