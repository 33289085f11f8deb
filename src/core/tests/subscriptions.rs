//! Subscriptions and the events they deliver.

use super::*;

#[test]
fn events_are_delivered_once_in_order_and_resumed_from_the_cursor() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    assert_eq!(
        driven.push(6, "six"),
        [Output::Emit(Event::Pushed("six".into()))]
    );
    assert_eq!(driven.push(6, "six"), []);
    driven.close(1006);
    driven.advance();
    let out = driven.input(Input::SocketOpened(driven.socket));
    let hello = Frame::Hello {
        token: "token".into(),
        device: r#""phone""#.into(),
    };
    assert_eq!(out[0], Output::SendFrame(driven.socket, hello));
    let cursor = recovery(6, None).cursor.unwrap();
    let resumed = resumes(&out);
    assert_eq!((resumed.len(), out.len()), (1, 2));
    assert_eq!(resumed[0].1, [(channel(), cursor)]);
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
    assert_eq!(
        driven.push(6, "six"),
        [Output::Emit(Event::Pushed("six".into()))]
    );
}

#[test]
fn what_cannot_be_recovered_is_reported() {
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
    assert!(out.contains(&Output::Settle(CallId(1), Ok(Settled::Done))));
    let asked = requests(&out);
    let [(request, Method::Unsubscribe(_))] = &asked[..] else {
        panic!("{out:?}");
    };
    driven.reply(*request, reply_at(5));
    assert!(!driven.client.is_subscribed(&channel()));
}

/// The gateway answers an unsubscribe at once and a subscribe when the store has answered, so their
/// replies may come the other way round.
#[test]
fn a_late_reply_to_subscribe_does_not_restore_a_channel_left_since() {
    let mut driven = Driven::online();
    let (subscribe, _) = request(&driven.input(Input::Subscribe(CallId(1), vec![channel()])));
    let (leave, _) = request(&driven.input(Input::Unsubscribe(CallId(2), vec![channel()])));
    driven.reply(leave, reply_at(5));
    driven.reply(subscribe, reply_at(5));
    assert!(!driven.client.is_subscribed(&channel()));
    assert_eq!(driven.push(6, "event"), []);
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
fn a_gap_reported_by_the_gateway_moves_the_cursor() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let out = driven.receive(Incoming::Gap(recovery(9, Some(GapReason::Expired))));
    assert_eq!(
        out,
        [Output::Emit(Event::Gap(
            channel(),
            Some(GapReason::Expired)
        ))]
    );
    // What follows starts there.
    assert_eq!(
        driven.push(10, "ten"),
        [Output::Emit(Event::Pushed("ten".into()))]
    );
    driven.close(1006);
    driven.advance();
    let cursor = recovery(10, None).cursor.unwrap();
    assert_eq!(resumes(&driven.open())[0].1, [(channel(), cursor)]);
}

#[test]
fn a_gap_into_another_epoch_moves_the_cursor_there() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let cursor = Cursor {
        epoch: "other".into(),
        seq: 2,
    };
    driven.receive(Incoming::Gap(Recovery {
        channel: channel(),
        cursor: Some(cursor),
        gap: Some(GapReason::EpochChanged),
    }));
    let out = driven.receive(Incoming::Push {
        channel: "a",
        epoch: "other",
        seq: 3,
        event: "three".into(),
    });
    assert_eq!(out, [Output::Emit(Event::Pushed("three".into()))]);
}

#[test]
fn a_gap_without_a_cursor_ends_the_subscription() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let out = driven.receive(Incoming::Gap(Recovery {
        channel: channel(),
        cursor: None,
        gap: None,
    }));
    assert_eq!(out, [Output::Emit(Event::Gap(channel(), None))]);
    assert!(!driven.client.is_subscribed(&channel()));
}

#[test]
fn a_gap_of_a_channel_left_since_is_ignored() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    driven.input(Input::Unsubscribe(CallId(2), vec![channel()]));
    let out = driven.receive(Incoming::Gap(recovery(9, Some(GapReason::Expired))));
    assert_eq!(out, []);
    assert!(!driven.client.is_subscribed(&channel()));
}

#[test]
fn an_event_that_is_missing_ends_the_connection_with_all_that_was_asked_on_it() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let (id, _) = request(&driven.ask(2, "question", Lane::Retry));
    let old = driven.socket;
    driven.push(8, "eight");
    let late = Incoming::Reply(id, Ok(sent("late")));
    assert_eq!(driven.input(Input::Received(old, late)), []);
    driven.advance();
    assert_eq!(
        bodies(&driven.reopen(vec![recovery(5, None)])),
        ["question"]
    );
}

#[test]
fn subscribing_to_what_is_subscribed_is_answered_at_once() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    assert_eq!(
        driven.input(Input::Subscribe(CallId(2), vec![channel()])),
        [Output::Settle(CallId(2), Ok(Settled::Done))]
    );
}

#[test]
fn a_reply_does_not_move_the_cursor_of_a_channel_that_is_active() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let both = vec![channel(), "b".parse().unwrap()];
    let (id, _) = request(&driven.input(Input::Subscribe(CallId(2), both)));
    driven.push(6, "six");
    driven.reply(id, reply_at(5));
    assert_eq!(
        driven.push(7, "seven"),
        [Output::Emit(Event::Pushed("seven".into()))]
    );
}

/// A signal has no place in the log.
#[test]
fn a_signal_is_delivered_while_its_channel_is_subscribed_and_moves_no_cursor() {
    let signal = |driven: &mut Driven| {
        driven.receive(Incoming::Push {
            channel: "a",
            epoch: "",
            seq: 0,
            event: "signal".into(),
        })
    };
    let mut driven = Driven::online();
    assert_eq!(signal(&mut driven), []);
    driven.subscribe(1, 5);
    let emitted = [Output::Emit(Event::Pushed("signal".into()))];
    assert_eq!(signal(&mut driven), emitted);
    assert_eq!(signal(&mut driven), emitted, "each time");
    assert_eq!(
        driven.push(6, "six"),
        [Output::Emit(Event::Pushed("six".into()))]
    );
    driven.input(Input::Unsubscribe(CallId(2), vec![channel()]));
    assert_eq!(signal(&mut driven), []);
}
