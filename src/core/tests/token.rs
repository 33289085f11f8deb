//! The token: fetched, renewed, refused.

use super::*;

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
fn a_revoked_token_is_fetched_again_and_a_fixed_one_ends_in_that_error() {
    let mut driven = Driven::online();
    driven.close(CloseCode::TokenRevoked.code());
    assert!(driven.advance().contains(&Output::FetchToken));

    let mut driven = Driven::new(false);
    driven.send(1, vec![]);
    driven.come_online(vec![]);
    let out = driven.close(CloseCode::TokenRevoked.code());
    assert!(error_of(&out, 1).is(ErrorCode::TokenRevoked));
    assert!(
        out.iter().any(|output| matches!(output, Output::Emit(Event::Failed(error)) if error.is(ErrorCode::TokenRevoked)))
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
    let reply = Json(json!({"tokenExpiresInMs": 60_000}));
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
fn fresh_tokens_refused_for_an_upload_again_and_again_end_in_an_error() {
    let mut driven = Driven::online();
    let mut out = driven.send(1, vec![(UploadId(0), meta(9))]);
    for _ in 0..2 {
        let refusal = Input::HttpDone(http(&out).0, Some(reply(401, None)));
        assert_eq!(driven.input(refusal), [Output::FetchToken]);
        out = driven.input(Input::TokenFetched(Ok("newer".into())));
    }
    let out = driven.input(Input::HttpDone(http(&out).0, Some(reply(401, None))));
    assert!(error_of(&out, 1).is(ErrorCode::TokenExpired));
    assert_eq!(
        out[..2],
        [
            Output::CloseSocket(driven.socket),
            Output::Emit(Event::Disconnected)
        ]
    );
    assert_eq!(driven.client.next_timeout(), None);
}

#[test]
fn a_fixed_token_refused_for_an_upload_ends_in_an_error() {
    let mut driven = Driven::new(false);
    assert_eq!(
        driven.send(1, vec![(UploadId(0), meta(9))]),
        [Output::FetchToken]
    );
    let mut out = driven.input(Input::TokenFetched(Ok("token".into())));
    out.extend(driven.reopen(vec![]));
    let out = driven.input(Input::HttpDone(http(&out).0, Some(reply(401, None))));
    assert!(error_of(&out, 1).is(ErrorCode::TokenExpired));
}

#[test]
fn gateways_that_refuse_fresh_tokens_again_and_again_end_in_an_error() {
    for (close, code) in [
        (CloseCode::TokenExpired, "token-expired"),
        (CloseCode::TokenInvalid, "token-invalid"),
    ] {
        let mut driven = Driven::online();
        driven.send(1, vec![]);
        for token in ["second", "third"] {
            driven.close(close.code());
            assert!(driven.advance().contains(&Output::FetchToken));
            driven.input(Input::TokenFetched(Ok(token.into())));
            driven.open();
        }
        let out = driven.close(close.code());
        assert_eq!(&*error_of(&out, 1).code, code);
    }
}

#[test]
fn what_nobody_needs_is_not_fetched() {
    let mut driven = Driven::new(true);
    assert_eq!(driven.input(Input::Wake), []);
    assert_eq!(driven.client.next_timeout(), None);
}

fn wanted(driven: &mut Driven, call: u32, refused: Option<&str>) -> Vec<Out> {
    driven.input(Input::Token {
        call: CallId(call),
        refused: refused.map(str::to_owned),
    })
}

fn token(call: u32, token: &str) -> Out {
    Output::Settle(CallId(call), Ok(Settled::Token(token.to_owned())))
}

#[test]
fn only_the_present_token_is_replaced_when_it_is_refused() {
    let mut driven = Driven::online();
    assert_eq!(wanted(&mut driven, 1, None), [token(1, "token")]);
    assert_eq!(wanted(&mut driven, 2, Some("older")), [token(2, "token")]);
    assert_eq!(wanted(&mut driven, 3, Some("token")), [Output::FetchToken]);
    let out = driven.input(Input::TokenFetched(Ok("newer".into())));
    assert!(out.contains(&token(3, "newer")), "{out:?}");
}

#[test]
fn a_connection_without_a_token_fetches_one_until_it_has_it() {
    let mut driven = Driven::online();
    wanted(&mut driven, 1, Some("token"));
    let out = driven.input(Input::TokenFetched(Err("down".into())));
    assert!(error_of(&out, 1).is(ErrorCode::TokenUnavailable));
    // Nobody waits for it, but the connection will.
    assert_eq!(driven.advance(), [Output::FetchToken]);
}

#[test]
fn a_fixed_token_is_never_fetched_again() {
    let mut driven = Driven::new(false).connected();
    // It expires.
    driven.now = driven.now.plus(86_400_000 - 1);
    assert!(!driven.input(Input::Timeout).contains(&Output::FetchToken));
    driven.now = driven.now.plus(1);
    assert!(!driven.receive(Incoming::Pong).contains(&Output::FetchToken));
    // It is refused.
    for call in [1, 2] {
        let out = wanted(&mut driven, call, Some("token"));
        assert_eq!(out.len(), 1, "{out:?}");
        assert!(error_of(&out, call).is(ErrorCode::TokenExpired));
    }
}

#[test]
fn a_fetch_that_was_given_up_and_fails_later_counts_once() {
    let mut driven = Driven::new(true);
    driven.input(Input::Connect(CallId(1)));
    for attempt in 1..5 {
        // It takes too long, and then fails as well.
        let out = driven.advance();
        assert!(
            matches!(out[..], [Output::Emit(Event::Reconnecting { attempt: is, .. })] if is == attempt),
            "{out:?}"
        );
        assert_eq!(driven.input(Input::TokenFetched(Err("no".into()))), []);
        assert_eq!(driven.advance(), [Output::FetchToken]);
    }
}

#[test]
fn a_token_refused_while_the_socket_opens_is_replaced_before_hello() {
    let mut driven = Driven::new(true);
    driven.input(Input::Connect(CallId(0)));
    driven.input(Input::TokenFetched(Ok("token".into())));
    let old = driven.socket;
    assert_eq!(wanted(&mut driven, 1, Some("token")), [Output::FetchToken]);
    assert_eq!(driven.input(Input::SocketOpened(SocketId(99))), []);
    assert_eq!(driven.open(), [Output::CloseSocket(old)]);
    let out = driven.input(Input::TokenFetched(Ok("newer".into())));
    assert!(out.contains(&token(1, "newer")));
    assert!(out.contains(&Output::OpenSocket(driven.socket)));
    assert_ne!(driven.socket, old);
}

#[test]
fn who_aborts_waits_for_the_token_no_longer_and_others_do() {
    let mut driven = Driven::new(true);
    wanted(&mut driven, 1, None);
    wanted(&mut driven, 2, None);
    let out = driven.abort(2);
    assert!(error_of(&out, 2).is(ErrorCode::Aborted));
    assert_eq!(driven.abort(3), []);
    let out = driven.input(Input::TokenFetched(Ok("token".into())));
    assert_eq!(out, [token(1, "token")]);
}

#[test]
fn an_upload_refused_while_the_socket_opens_has_its_token_fetched_at_once() {
    let mut driven = Driven::new(true);
    driven.send(1, vec![(UploadId(0), meta(9))]);
    let out = driven.input(Input::TokenFetched(Ok("token".into())));
    let refusal = Input::HttpDone(http(&out).0, Some(reply(401, None)));
    assert_eq!(driven.input(refusal), [Output::FetchToken]);
}
