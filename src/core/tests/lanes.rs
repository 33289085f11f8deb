//! Requests of the lanes Retry and Now, and the share of the connection each lane has.

use super::*;

fn value(number: u32) -> Json {
    Json(json!(number))
}

fn answered(call: u32, number: u32) -> [Out; 1] {
    [Output::Settle(
        CallId(call),
        Ok(Settled::Value(value(number))),
    )]
}

#[test]
fn each_request_gets_one_answer_which_is_the_result_as_it_came() {
    let mut driven = Driven::online();
    let (first, _) = request(&driven.ask(1, "one", Lane::Retry));
    let (second, method) = request(&driven.ask(2, "two", Lane::Now));
    assert_eq!(method, Method::Other("two".into()));
    assert_eq!(driven.reply(second, value(2)), answered(2, 2));
    assert_eq!(driven.reply(first, value(1)), answered(1, 1));
    assert_eq!(driven.reply(first, value(1)), []);
}

#[test]
fn an_error_is_an_answer_and_is_not_asked_again() {
    let mut driven = Driven::online();
    let (id, _) = request(&driven.ask(1, "one", Lane::Retry));
    let error = Error::new(ErrorCode::InvalidArgument, "olderPageToken: is wrong");
    let out = driven.receive(Incoming::Reply(id, Err(error.clone())));
    assert_eq!(out, [Output::Settle(CallId(1), Err(error))]);
    assert!(requests(&driven.reconnect(vec![])).is_empty());
}

#[test]
fn a_question_is_asked_again_after_a_reconnect_until_it_is_answered() {
    let mut driven = Driven::online();
    let (old, _) = request(&driven.ask(1, "one", Lane::Retry));
    let mut id = old;
    for _ in 0..3 {
        let (again, method) = request(&driven.reconnect(vec![]));
        assert_eq!(method, Method::Other("one".into()));
        assert_ne!(id, again, "a reply of one connection must not fit another");
        id = again;
    }
    assert_eq!(driven.reply(old, value(0)), []);
    assert_eq!(driven.reply(id, value(1)), answered(1, 1));
    assert!(requests(&driven.reconnect(vec![])).is_empty());
}

#[test]
fn a_question_waits_while_offline_and_makes_the_client_connect() {
    let mut driven = Driven::new(true);
    assert_eq!(driven.ask(1, "one", Lane::Retry), [Output::FetchToken]);
    assert_eq!(bodies(&driven.come_online(vec![])), ["one"]);
}

#[test]
fn a_question_is_aborted_before_it_goes_out() {
    let mut driven = Driven::new(true);
    driven.ask(1, "one", Lane::Retry);
    assert!(error_of(&driven.abort(1), 1).is(ErrorCode::Aborted));
    assert!(requests(&driven.come_online(vec![])).is_empty());
}

#[test]
fn a_question_is_aborted_after_it_went_out_and_its_late_reply_is_ignored() {
    let mut driven = Driven::online();
    let (id, _) = request(&driven.ask(1, "one", Lane::Retry));
    assert!(error_of(&driven.abort(1), 1).is(ErrorCode::Aborted));
    assert_eq!(driven.abort(1), []);
    assert_eq!(driven.reply(id, value(1)), []);

    driven.ask(2, "two", Lane::Retry);
    driven.abort(2);
    assert!(requests(&driven.reconnect(vec![])).is_empty());
}

#[test]
fn disconnect_ends_questions() {
    let mut driven = Driven::online();
    let (id, _) = request(&driven.ask(1, "one", Lane::Retry));
    let out = driven.input(Input::Disconnect(CallId(2)));
    assert!(error_of(&out, 1).is(ErrorCode::Disconnected));
    assert_eq!(driven.reply(id, value(1)), []);
    driven.input(Input::Connect(CallId(3)));
    assert!(requests(&driven.reopen(vec![])).is_empty());
}

#[test]
fn a_stopped_client_ends_questions() {
    let mut driven = Driven::online();
    driven.ask(1, "one", Lane::Retry);
    let out = driven.close(CloseCode::MalformedFrame.code());
    assert!(error_of(&out, 1).is(ErrorCode::MalformedFrame));
}

#[test]
fn what_is_only_worth_something_now_fails_at_once_when_offline() {
    let mut driven = Driven::new(true);
    let out = driven.ask(1, "typing", Lane::Now);
    assert!(error_of(&out, 1).is(ErrorCode::Unavailable));
    // It is no reason to connect either.
    assert_eq!(out.len(), 1);
    driven.input(Input::Connect(CallId(0)));
    driven.input(Input::TokenFetched(Ok("token".into())));
    assert!(error_of(&driven.ask(2, "typing", Lane::Now), 2).is(ErrorCode::Unavailable));
}

#[test]
fn what_is_only_worth_something_now_ends_with_its_connection() {
    let mut driven = Driven::online();
    let (id, _) = request(&driven.ask(1, "typing", Lane::Now));
    driven.ask(2, "question", Lane::Retry);
    assert!(error_of(&driven.close(1006), 1).is(ErrorCode::Unavailable));
    driven.advance();
    assert_eq!(bodies(&driven.reopen(vec![])), ["question"]);
    assert_eq!(driven.reply(id, value(1)), []);
}

#[test]
fn a_question_over_the_frame_limit_fails_alone() {
    let mut driven = Driven::online();
    let request = Request {
        body: "big".into(),
        bytes: 10_000_000,
        lane: Lane::Retry,
    };
    let out = driven.input(Input::Request(CallId(1), request));
    assert!(error_of(&out, 1).is(ErrorCode::ContentTooLarge));
    assert_eq!(bodies(&driven.ask(2, "small", Lane::Retry)), ["small"]);
}

/// A client of a gateway with this limit, offline, with more of everything than fits.
fn crowded(requests_in_flight: u32) -> Driven {
    let mut driven = Driven::with(Config {
        seed: 7,
        token_renewable: true,
        outbox_limit: 1_000,
        parallel_uploads: 2,
        outbox_kept: false,
        device: r#""phone""#.into(),
    });
    driven.limits.requests_in_flight = requests_in_flight;
    driven
}

fn crowd(driven: &mut Driven) -> Vec<Out> {
    let mut out = Vec::new();
    for call in 0..500 {
        out.extend(driven.send(1_000 + call, vec![]));
        out.extend(driven.ask(2_000 + call, "question", Lane::Retry));
        let other = vec![format!("c{call}").parse().unwrap()];
        out.extend(driven.input(Input::Subscribe(CallId(3_000 + call), other)));
    }
    out
}

/// Commands, other requests, subscriptions.
fn kinds(out: &[Out]) -> [usize; 3] {
    let mut counts = [0; 3];
    for (_, method) in requests(out) {
        match method {
            Method::Once { .. } => counts[0] += 1,
            Method::Other(_) => counts[1] += 1,
            Method::Subscribe(_) => counts[2] += 1,
            other => panic!("{other:?}"),
        }
    }
    counts
}

#[test]
fn no_lane_holds_up_another_and_all_stay_below_the_limit() {
    for limit in [256, 64, 7, 5, 4, 3, 2] {
        let mut driven = crowded(limit).connected();
        let out = crowd(&mut driven);
        let counts = kinds(&out);
        let total: usize = counts.iter().sum();
        assert!(total < limit as usize, "{counts:?} of {limit}");
        if limit >= 5 {
            assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
        }
        // Whatever is answered, the next of its kind goes out.
        for (id, method) in requests(&out) {
            let before = std::mem::discriminant(&method);
            let result = match method {
                Method::Subscribe(channels) => Json(json!({"channels": [
                    {"id": channels[0].as_str(), "cursor": {"epoch": "e", "seq": 0}}
                ]})),
                _ => value(0),
            };
            let next = requests(&driven.reply(id, result));
            if limit >= 5 {
                assert_eq!(next.len(), 1);
                assert_eq!(std::mem::discriminant(&next[0].1), before);
            }
            assert!(next.len() <= 1);
        }
    }
}

#[test]
fn sends_do_not_hold_up_questions_nor_questions_sends() {
    let mut driven = crowded(256).connected();
    for call in 0..300 {
        driven.send(1_000 + call, vec![]);
    }
    assert_eq!(
        bodies(&driven.ask(1, "question", Lane::Retry)),
        ["question"]
    );

    let mut driven = crowded(256).connected();
    for call in 0..300 {
        driven.ask(1_000 + call, "question", Lane::Retry);
    }
    assert_eq!(bodies(&driven.send(1, vec![])), ["hi"]);
}

#[test]
fn all_that_waits_is_answered_in_the_end() {
    let mut driven = crowded(8).connected();
    let mut due = requests(&crowd(&mut driven));
    let mut settled = 0;
    while let Some((id, method)) = due.pop() {
        let result = match method {
            Method::Subscribe(channels) => Json(json!({"channels": [
                {"id": channels[0].as_str(), "cursor": {"epoch": "e", "seq": 0}}
            ]})),
            _ => value(0),
        };
        let out = driven.reply(id, result);
        let is_settled = |output: &&Out| matches!(output, Output::Settle(_, Ok(_)));
        settled += out.iter().filter(is_settled).count();
        due.extend(requests(&out));
    }
    assert_eq!(settled, 1_500);
}

#[test]
fn an_aborted_question_keeps_its_place_until_the_gateway_has_answered() {
    let mut driven = crowded(32).connected();
    let (first, _) = request(&driven.ask(1, "one", Lane::Retry));
    driven.ask(2, "two", Lane::Retry);
    assert!(requests(&driven.ask(3, "three", Lane::Retry)).is_empty());
    // The gateway still works on it.
    assert!(requests(&driven.abort(1)).is_empty());
    assert_eq!(bodies(&driven.reply(first, value(1))), ["three"]);
}

/// It is sent in vain if the hello is refused.
#[test]
fn half_a_mebibyte_follows_hello_before_the_welcome() {
    const BYTES: u32 = 200 * 1024;
    let mut driven = crowded(256);
    for call in 0..24 {
        let lane = if call % 2 == 0 {
            Lane::Retry
        } else {
            Lane::Once {
                unix_ms: 1,
                files: vec![],
            }
        };
        let request = Request {
            body: "large".into(),
            bytes: BYTES,
            lane,
        };
        driven.input(Input::Request(CallId(call), request));
    }
    driven.input(Input::TokenFetched(Ok("token".into())));
    let early = requests(&driven.input(Input::SocketOpened(driven.socket)));
    assert!(!early.is_empty());
    assert!(early.len() as u32 * BYTES <= 512 << 10, "{}", early.len());
    let later = requests(&driven.welcome(vec![]));
    assert_eq!(early.len() + later.len(), 24);
}

#[test]
fn each_lane_has_its_share_of_the_limit() {
    for (limit, shares) in [(256, [223, 16, 16]), (64, [55, 4, 4]), (2, [1, 0, 0])] {
        let mut driven = crowded(limit).connected();
        assert_eq!(kinds(&crowd(&mut driven)), shares, "{limit}");
    }
}

#[test]
fn a_body_fits_a_frame_up_to_the_last_byte() {
    let most = Limits::DEFAULT.frame_bytes - 4_096;
    for (bytes, fits) in [(most, true), (most + 1, false)] {
        for lane in [
            Lane::Retry,
            Lane::Once {
                unix_ms: 1,
                files: vec![],
            },
        ] {
            let request = Request {
                body: "large".into(),
                bytes,
                lane,
            };
            let mut driven = Driven::online();
            let out = driven.input(Input::Request(CallId(1), request));
            assert_eq!(requests(&out).len(), usize::from(fits), "{bytes}");
        }
    }
}
