//! The first frame, and what comes right behind it.

use super::*;

#[test]
fn a_connection_without_hello_or_with_a_bad_token_is_closed() {
    let mut driven = Driven::new();
    driven.now = 10_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::HelloTimeout.code()));

    for (frame, code) in [
        (json!({"hello": {"token": "x"}}), CloseCode::TokenInvalid),
        (json!({"ping": 1}), CloseCode::MalformedFrame),
        (send(1, "a"), CloseCode::MalformedFrame),
        (json!([]), CloseCode::MalformedFrame),
    ] {
        let mut driven = Driven::new();
        driven.frame(&frame);
        assert_eq!(driven.closed, Some(code.code()), "{frame}");
        assert!(driven.sent.is_empty());
    }
    let mut driven = Driven::new();
    driven.now = 600_000;
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired.code()));
}

#[test]
fn a_second_hello_a_binary_and_an_oversize_frame_are_closed_with_a_reason() {
    let mut driven = Driven::open(&json!([]));
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    assert_eq!(driven.closed, Some(CloseCode::MalformedFrame.code()));
    let mut driven = Driven::open(&json!([]));
    driven.input(Input::Binary);
    assert_eq!(driven.closed, Some(CloseCode::BinaryFrame.code()));
    let mut driven = Driven::open(&json!([]));
    driven.input(Input::TooLarge);
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge.code()));
}

#[test]
fn a_hello_is_at_most_8_kib() {
    let frame = |bytes: usize| {
        let hello = |sdk: &str| json!({"hello": {"token": token("ada", &["a"]), "sdk": sdk}});
        let padding = bytes - hello("").to_string().len();
        hello(&"x".repeat(padding))
    };
    let mut driven = Driven::new();
    driven.frame(&frame(HELLO_BYTES));
    assert!(driven.reply()["welcome"].is_object());
    // Later frames may be larger.
    driven.frame(&json!({"ping": 1, "padding": "x".repeat(HELLO_BYTES)}));
    assert_eq!(driven.reply(), json!({"pong": 1}));
    let padding = "x".repeat(Limits::DEFAULT.frame_bytes as usize);
    driven.frame(&json!({"ping": 1, "padding": padding}));
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge.code()));

    let mut driven = Driven::new();
    driven.frame(&frame(HELLO_BYTES + 1));
    assert_eq!(driven.closed, Some(CloseCode::FrameTooLarge.code()));
    assert!(driven.sent.is_empty());
}

#[test]
fn what_comes_behind_the_hello_is_answered_after_it_in_order() {
    let mut driven = Driven::new();
    (driven.hold_heads, driven.drains) = (true, false);
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    driven.frame(&subscribe(1, &["a"]));
    driven.frame(&send(2, "a"));
    driven.frame(&json!({"ping": 3}));
    driven.drains = true;
    driven.driver.wrote(driven.now, &mut driven.desk);
    driven.run();
    driven.read_held_heads();
    let kinds: Vec<_> = driven
        .sent
        .iter()
        .map(|item| {
            let keys = item.as_object().unwrap().keys();
            keys.cloned().collect::<Vec<_>>().join(",")
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "welcome",
            "pong",
            "id,result",
            "channel,epoch,event,seq",
            "id,result"
        ]
    );
    assert_eq!(
        (&driven.sent[2]["id"], &driven.sent[4]["id"]),
        (&json!(1), &json!(2))
    );
}

#[test]
fn a_wrong_frame_behind_the_hello_ends_the_connection_after_the_welcome() {
    let mut driven = Driven::new();
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    driven.frame(&json!([]));
    driven.frame(&json!({"ping": 1}));
    assert!(driven.reply()["welcome"].is_object());
    assert!(driven.sent.is_empty());
    assert_eq!(driven.closed, Some(CloseCode::MalformedFrame.code()));
}

#[test]
fn a_token_ends_and_can_be_renewed_by_the_same_user_only() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    let refresh =
        |token: String| json!({"id": 1, "method": "auth.refresh", "params": {"token": token}});
    driven.frame(&refresh(token("bob", &["a"])));
    assert_eq!(driven.reply()["error"]["code"], "token-invalid");
    driven.now = 1_000;
    driven.frame(&refresh(token("ada", &["a", "b"])));
    assert_eq!(driven.reply()["result"]["tokenExpiresInMs"], 599_000);
    driven.now = 600_000;
    driven.frame(&json!({"ping": 1}));
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired.code()));
}

#[test]
fn a_wall_clock_that_is_changed_judges_tokens_and_timestamps_but_ends_no_connection() {
    const AHEAD_MS: i64 = 9_000;
    // It was ahead when the gateway started, and is corrected.
    let mut driven = Driven::new();
    driven.now = AHEAD_MS.unsigned_abs();
    driven.driver.set_skew(-AHEAD_MS);
    driven.frame(&json!({"hello": {"token": token("ada", &["a"])}}));
    let welcome = driven.reply();
    let valid_ms = welcome["welcome"]["tokenExpiresInMs"].as_i64().unwrap();
    driven.frame(&json!({"id": 1, "method": "message.send", "params": {"key": KEY, "channelId": "a", "content": "x"}}));
    let reply = driven.sent.pop_front().expect("a reply");
    assert_eq!(reply["result"]["message"]["timestamp"], "0", "{reply}");
    // The token is valid as long as the wall clock says so; no other deadline moves.
    driven.driver.set_skew(valid_ms - AHEAD_MS - 1);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, None);
    driven.driver.set_skew(valid_ms - AHEAD_MS);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::TokenExpired.code()));
    // Before the hello, a clock that jumps is of no concern.
    let mut driven = Driven::new();
    driven.driver.set_skew(1_000 * AHEAD_MS);
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, None);
}
