//! The connection: kept alive, lost and made again.

use super::*;

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

/// The cause of the reconnect in these outputs.
fn cause(out: &[Out]) -> (Cause, &str) {
    let found = out.iter().find_map(|output| match output {
        Output::Emit(Event::Reconnecting { cause, message, .. }) => Some((*cause, &**message)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no reconnect in {out:?}"))
}

#[test]
fn a_reconnect_names_its_cause() {
    let mut driven = Driven::new(true);
    driven.input(Input::Connect(CallId(0)));
    let out = driven.input(Input::TokenFetched(Err("no session".into())));
    assert_eq!(
        cause(&out),
        (Cause::TokenUnavailable, "authToken: no session")
    );
    driven.advance();
    driven.input(Input::TokenFetched(Ok("token".into())));
    let out = driven.close(1006);
    assert_eq!(
        cause(&out),
        (Cause::NotOpened, "the socket could not be opened")
    );
    driven.advance();
    let out = driven.advance();
    assert_eq!(cause(&out).0, Cause::TimedOut);
    driven.advance();
    driven.open();
    let out = driven.close(1013);
    assert_eq!(
        cause(&out),
        (Cause::Refused, "closed before the welcome with code 1013")
    );
    driven.advance();
    driven.reopen(vec![]);
    let out = driven.close(1006);
    assert_eq!(cause(&out), (Cause::Lost, "closed with code 1006"));
    driven.advance();
    driven.reopen(vec![]);
    driven.subscribe(1, 0);
    let out = driven.push(2, "after a hole");
    assert_eq!(cause(&out).0, Cause::EventsMissing);
}

#[test]
fn a_page_whose_origin_is_refused_stops_with_a_code_of_its_own() {
    for greeted in [false, true] {
        let mut driven = Driven::new(true);
        driven.input(Input::Subscribe(CallId(1), vec![channel()]));
        driven.input(Input::TokenFetched(Ok("token".into())));
        if greeted {
            driven.open();
        }
        let out = driven.close(CloseCode::OriginForbidden.code());
        assert!(error_of(&out, 1).is(ErrorCode::OriginForbidden));
        let failed = out.iter().any(|output| {
            matches!(
                output,
                Output::Emit(Event::Failed(error)) if error.is(ErrorCode::OriginForbidden)
            )
        });
        assert!(failed, "{out:?}");
        assert_eq!(driven.client.next_timeout(), None, "it is tried again");
    }
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

fn attempt(out: &[Out]) -> u32 {
    let attempt = |output: &Out| match output {
        Output::Emit(Event::Reconnecting { attempt, .. }) => Some(*attempt),
        _ => None,
    };
    out.iter().find_map(attempt).expect("it is tried again")
}

#[test]
fn tries_are_counted_until_a_connection_has_lasted() {
    let mut driven = Driven::online();
    assert_eq!(attempt(&driven.close(1006)), 1);
    for expected in 2..5 {
        driven.advance();
        assert_eq!(attempt(&driven.close(1006)), expected);
    }
    for (lasted_ms, expected) in [(4_999, 5), (5_000, 1)] {
        driven.advance();
        driven.reopen(vec![]);
        driven.now = driven.now.plus(lasted_ms);
        assert_eq!(attempt(&driven.close(1006)), expected);
    }
}

#[test]
fn an_answer_due_is_missed_unless_the_machine_has_slept() {
    for (late_ms, is_lost) in [(0, true), (4_999, true), (5_000, false)] {
        let mut driven = Driven::online();
        let pinged = Output::SendFrame(driven.socket, Frame::Ping);
        assert_eq!(driven.advance().len(), 1);
        driven.now = driven.now.plus(10_000 + late_ms);
        let out = driven.input(Input::Timeout);
        assert_eq!(
            out.contains(&Output::Emit(Event::Disconnected)),
            is_lost,
            "{late_ms}"
        );
        assert_eq!(out.contains(&pinged), !is_lost, "{late_ms}");
    }
}

#[test]
fn what_comes_late_from_an_old_socket_changes_nothing() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let (old, late) = (driven.socket, |driven: &mut Driven, old| {
        let present = std::mem::replace(&mut driven.socket, old);
        let mut out = driven.push(6, "late");
        out.extend(driven.receive(Incoming::Pong));
        out.extend(driven.welcome(vec![]));
        for id in 1..9 {
            out.extend(driven.reply(id, sent("late")));
        }
        out.extend(driven.close(1006));
        driven.socket = present;
        out
    });
    driven.ask(2, "question", Lane::Retry);
    driven.close(1006);
    assert_eq!(late(&mut driven, old), []);
    driven.advance();
    assert_ne!(driven.socket, old);
    assert_eq!(driven.input(Input::SocketOpened(old)), []);
    assert_eq!(late(&mut driven, old), []);
    assert_eq!(bodies(&driven.open()), ["question"]);
    assert_eq!(late(&mut driven, old), []);
    driven.welcome(vec![recovery(5, None)]);
    assert_eq!(late(&mut driven, old), []);
}

/// Only its own frames prove to the gateway that the client lives.
#[test]
fn a_client_pings_whatever_it_receives() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    let due = driven.client.next_timeout();
    for seq in 6..20 {
        driven.now = driven.now.plus(1_000);
        driven.push(seq, "event");
        assert_eq!(driven.client.next_timeout(), due);
    }
    let ping = |driven: &Driven| [Output::SendFrame(driven.socket, Frame::Ping)];
    assert_eq!(driven.advance(), ping(&driven));
    driven.receive(Incoming::Pong);
    let answered = driven.now;
    assert_eq!(driven.advance(), ping(&driven));
    assert_eq!(driven.now, answered.plus(25_000));
}
