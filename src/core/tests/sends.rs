//! Commands: in order, once, with the same key on every try.

use super::*;

#[test]
fn a_send_made_before_the_connection_waits_and_goes_out_once() {
    let mut driven = Driven::new(true);
    assert_eq!(driven.send(1, vec![]), [Output::FetchToken]);
    let out = driven.come_online(vec![]);
    let (id, _) = request(&out);
    assert_eq!(
        driven.receive(Incoming::Reply(id, Ok(sent("stored")))),
        [Output::Settle(
            CallId(1),
            Ok(Settled::Value(sent("stored")))
        )]
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
    let request = Request {
        body: "big".into(),
        bytes: 10_000_000,
        lane: Lane::Once {
            unix_ms: 1,
            files: vec![],
        },
    };
    let out = driven.input(Input::Request(CallId(1), request));
    assert!(error_of(&out, 1).is(ErrorCode::ContentTooLarge));
    assert_eq!(keys(&driven.send(2, vec![])).len(), 1);
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
fn the_same_body_goes_out_on_every_try() {
    let mut driven = Driven::online();
    let first = driven.send(1, vec![]);
    assert_eq!(bodies(&first), ["hi"]);
    assert_eq!(bodies(&driven.reconnect(vec![])), ["hi"]);
}

#[test]
fn a_reply_to_a_command_of_a_lost_connection_is_ignored() {
    let mut driven = Driven::online();
    let (old, _) = request(&driven.send(1, vec![]));
    let (id, _) = request(&driven.reconnect(vec![]));
    assert_eq!(driven.reply(old, sent("late")), []);
    assert_eq!(
        driven.reply(id, sent("stored")),
        [Output::Settle(
            CallId(1),
            Ok(Settled::Value(sent("stored")))
        )]
    );
}
