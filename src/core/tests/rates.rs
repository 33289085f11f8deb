//! Exceeded rates: what the gateway refuses for a while waits, keeps its place, and is sent again.

use super::*;

const WAIT_MS: u64 = 800;

/// The refusal of a request.
fn refused<'a>(id: u32) -> Incoming<'a, Json> {
    Incoming::Reply(id, Err(exceeded(WAIT_MS)))
}

fn exceeded(wait_ms: u64) -> Error {
    alo_protocol::ErrorBody::rate_exceeded("too many", wait_ms).into()
}

#[test]
fn a_refused_send_is_sent_again_with_its_key_when_the_time_has_come() {
    let mut driven = Driven::online();
    let first = driven.send(1, vec![]);
    assert_eq!(driven.receive(refused(request(&first).0)), []);
    let before = driven.now;
    let again = driven.advance();
    assert!((WAIT_MS..=WAIT_MS * 9 / 8).contains(&driven.now.since(before)));
    assert_eq!(keys(&again), keys(&first));
    let out = driven.reply(request(&again).0, sent("stored"));
    assert_eq!(
        out,
        [Output::Settle(
            CallId(1),
            Ok(Settled::Value(sent("stored")))
        )]
    );
}

#[test]
fn nothing_is_sent_before_a_refused_send() {
    let mut driven = Driven::online();
    let mut all = driven.send(1, vec![]);
    driven.receive(refused(request(&all).0));
    for call in 2..=4 {
        let out = driven.ask(call, "hi", command());
        assert_eq!(requests(&out), []);
    }
    all = driven.advance();
    assert_eq!(requests(&all).len(), 4);
    let ids: Vec<_> = requests(&all).iter().map(|(id, _)| *id).collect();
    let settled = ids.iter().map(|id| driven.reply(*id, sent("stored")));
    let calls: Vec<_> = settled
        .map(|out| match &out[..] {
            [Output::Settle(call, Ok(_))] => call.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(calls, [1, 2, 3, 4]);
}

#[test]
fn the_first_refused_send_waits_for_the_answers_to_those_behind_it() {
    let mut driven = Driven::online();
    let mut first = driven.send(1, vec![]);
    first.extend(driven.send(2, vec![]));
    first.extend(driven.send(3, vec![]));
    let ids: Vec<_> = requests(&first).iter().map(|(id, _)| *id).collect();
    driven.receive(refused(ids[0]));
    driven.receive(refused(ids[1]));
    // The refusal of the third is still on its way: sent now, the fourth would overtake it.
    assert_eq!(requests(&driven.advance()), []);
    assert_eq!(requests(&driven.send(4, vec![])), []);
    driven.receive(refused(ids[2]));
    let again = driven.advance();
    assert_eq!(keys(&again)[..3], keys(&first));
    assert_eq!(keys(&again).len(), 4);
}

#[test]
fn a_rate_is_waited_out_across_a_reconnect() {
    let mut driven = Driven::online();
    let first = driven.send(1, vec![]);
    let long = Incoming::Reply(request(&first).0, Err(exceeded(60_000)));
    driven.receive(long);
    assert_eq!(keys(&driven.reconnect(vec![])), []);
    let mut again = Vec::new();
    while keys(&again).is_empty() {
        again = driven.advance();
        // Meanwhile the connection is kept alive.
        driven.receive(Incoming::Pong);
    }
    assert!(driven.now.0 >= 61_000);
    assert_eq!(keys(&again), keys(&first));
}

#[test]
fn queries_and_subscriptions_wait_likewise_and_do_not_hold_up_commands() {
    let mut driven = Driven::online();
    let query = request(&driven.ask(1, "history", Lane::Retry)).0;
    let subscribe = driven.input(Input::Subscribe(CallId(2), vec![channel()]));
    assert_eq!(driven.receive(refused(query)), []);
    assert_eq!(driven.receive(refused(request(&subscribe).0)), []);
    assert_eq!(requests(&driven.ask(3, "later", Lane::Retry)), []);
    assert_eq!(bodies(&driven.ask(4, "hi", command())), ["hi"]);
    let again = driven.advance();
    assert_eq!(bodies(&again), ["history", "later"]);
    let is_subscribe = |(_, method): &(u32, Method<Json>)| matches!(method, Method::Subscribe(_));
    assert!(requests(&again).iter().any(is_subscribe));
}

#[test]
fn what_is_only_useful_now_does_not_wait() {
    let mut driven = Driven::online();
    let id = request(&driven.ask(1, "typing", Lane::Now)).0;
    let out = driven.receive(refused(id));
    assert!(error_of(&out, 1).is(ErrorCode::TooManyRequests));
}

#[test]
fn without_a_time_to_wait_the_refusal_is_the_answer() {
    let mut driven = Driven::online();
    let id = request(&driven.send(1, vec![])).0;
    let error = Error::new(ErrorCode::TooManyRequests, "too many are unanswered");
    let out = driven.receive(Incoming::Reply(id, Err(error.clone())));
    assert_eq!(out, [Output::Settle(CallId(1), Err(error))]);
}

#[test]
fn an_upload_waits_instead_of_failing() {
    let mut driven = Driven::online();
    let mut out = driven.send(1, vec![(UploadId(0), meta(9))]);
    for _ in 0..20 {
        let reply = HttpReply {
            error: Some(exceeded(WAIT_MS)),
            ..reply(429, None)
        };
        let before = driven.now;
        let waits = driven.input(Input::HttpDone(http(&out).0, Some(reply)));
        assert_eq!(waits, []);
        out = driven.advance();
        assert!((WAIT_MS..=WAIT_MS * 9 / 8).contains(&driven.now.since(before)));
    }
    let out = driven.input(Input::HttpDone(http(&out).0, Some(reply(201, Some(9)))));
    assert_eq!(keys(&out).len(), 1);
}

/// Where a user has one request at a time, one for the offset would take the turn of the bytes again and again.
#[test]
fn bytes_refused_by_rate_are_sent_again_without_asking_for_the_offset() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(5 << 20))]);
    let (id, _) = http(&out);
    let (id, first) = http(&driven.input(Input::HttpDone(id, Some(reply(201, Some(1 << 20))))));
    let refused = HttpReply {
        error: Some(exceeded(WAIT_MS)),
        ..reply(429, None)
    };
    driven.input(Input::HttpDone(id, Some(refused)));
    let (_, second) = http(&driven.advance());
    assert!(matches!(first, HttpRequest::Append { .. }), "{first:?}");
    assert_eq!(first, second);
}

fn command() -> Lane {
    Lane::Once {
        unix_ms: 1,
        files: vec![],
    }
}
