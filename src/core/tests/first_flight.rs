//! What goes out right behind `hello`, before the gateway has answered it.

use super::*;

#[test]
fn requests_follow_hello_at_once_and_are_answered_after_the_welcome() {
    let mut driven = Driven::new(true);
    driven.input(Input::Subscribe(CallId(1), vec![channel()]));
    driven.send(2, vec![]);
    driven.ask(3, "question", Lane::Retry);
    driven.input(Input::TokenFetched(Ok("token".into())));
    let out = driven.open();
    let (hello, rest) = out.split_first().unwrap();
    assert!(matches!(hello, Output::SendFrame(_, Frame::Hello { .. })));
    let asked = requests(rest);
    assert_eq!(asked.len(), 3, "{out:?}");
    // Nothing of it goes out again with the welcome.
    assert_eq!(requests(&driven.welcome(vec![])), []);
    for (id, method) in asked {
        let (result, call, settled) = match method {
            Method::Subscribe(_) => (reply_at(5), 1, Settled::Done),
            Method::Once { .. } => (sent("x"), 2, Settled::Value(sent("x"))),
            _ => (Json(json!(7)), 3, Settled::Value(Json(json!(7)))),
        };
        let out = driven.reply(id, result);
        assert_eq!(out, [Output::Settle(CallId(call), Ok(settled))]);
    }
    assert_eq!(
        driven.push(6, "six"),
        [Output::Emit(Event::Pushed("six".into()))]
    );
}

#[test]
fn a_request_made_between_hello_and_welcome_goes_out_at_once() {
    let mut driven = Driven::new(true);
    driven.input(Input::Connect(CallId(0)));
    driven.input(Input::TokenFetched(Ok("token".into())));
    driven.open();
    assert_eq!(bodies(&driven.send(1, vec![])), ["hi"]);
    assert_eq!(bodies(&driven.ask(2, "now", Lane::Now)), ["now"]);
    let out = driven.input(Input::Unsubscribe(CallId(3), vec![channel()]));
    // This one needs no store: the gateway may answer it before the hello.
    let out = driven.reply(request(&out).0, Json(json!({})));
    assert_eq!(out, [Output::Settle(CallId(3), Ok(Settled::Done))]);
}

#[test]
fn a_hello_that_is_not_answered_sends_all_of_it_again() {
    let mut driven = Driven::new(true);
    driven.send(1, vec![]);
    driven.ask(2, "question", Lane::Retry);
    driven.input(Input::Subscribe(CallId(3), vec![channel()]));
    driven.input(Input::TokenFetched(Ok("token".into())));
    let first = driven.open();
    // The gateway does not welcome in time; then the next try is due.
    driven.advance();
    driven.advance();
    let again = driven.open();
    assert_eq!(bodies(&again), bodies(&first));
    assert_eq!(keys(&again), keys(&first));
    assert_eq!(requests(&again).len(), 3);
}

#[test]
fn a_hello_that_is_refused_keeps_what_followed_it_for_the_next_token() {
    let mut driven = Driven::new(true);
    driven.send(1, vec![]);
    driven.input(Input::TokenFetched(Ok("old".into())));
    let first = driven.open();
    driven.close(CloseCode::TokenExpired.code());
    driven.advance();
    driven.input(Input::TokenFetched(Ok("newer".into())));
    assert_eq!(keys(&driven.open()), keys(&first));
}

/// The outbox is kept, and only the welcome names the user whose commands come first.
#[test]
fn no_command_precedes_those_of_earlier_pages_though_other_requests_do() {
    let mut driven = Driven::with(Config {
        seed: 7,
        token_renewable: true,
        outbox_limit: 4,
        parallel_uploads: 2,
        outbox_kept: true,
        device: r#""phone""#.into(),
    });
    driven.send(1, vec![]);
    driven.ask(2, "question", Lane::Retry);
    driven.input(Input::TokenFetched(Ok("token".into())));
    assert_eq!(bodies(&driven.open()), ["question"]);
    assert!(bodies(&driven.welcome(vec![])).is_empty());
    let kept = Kept {
        key: FILE.parse().unwrap(),
        body: "earlier".into(),
        bytes: 7,
        files: vec![],
    };
    let out = driven.input(Input::Restored(vec![(CallId(8), kept)]));
    assert_eq!(bodies(&out), ["earlier", "hi"]);
    // On later connections nothing is held back.
    driven.close(1006);
    driven.advance();
    assert_eq!(bodies(&driven.open()), ["question", "earlier", "hi"]);
}

#[test]
fn a_push_before_the_welcome_moves_nothing() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    driven.close(1006);
    driven.advance();
    assert_eq!(resumes(&driven.open()).len(), 1);
    assert_eq!(driven.push(6, "six"), []);
    driven.welcome(vec![recovery(5, None)]);
    assert_eq!(
        driven.push(6, "six"),
        [Output::Emit(Event::Pushed("six".into()))]
    );
}
