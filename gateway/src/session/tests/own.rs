//! The user's own log, which subscriptions name by the empty id.

use super::*;

fn own(user: &str) -> LogId {
    LogId::User(user.parse().unwrap())
}

/// News of an event of a user's own log.
fn news(user: &str, seq: u64) -> News {
    let push = json!({"channel": "", "epoch": "e", "seq": seq, "event": {"for": user}});
    News::Event(Arc::new(LogEvent {
        log: own(user),
        seq,
        push: push.to_string().into(),
    }))
}

#[test]
fn the_empty_id_subscribes_to_the_own_log_and_leaves_it() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.frame(&subscribe(1, &[""]));
    let channels = driven.reply()["result"]["channels"].take();
    assert_eq!(
        channels,
        json!([{"id": "", "cursor": {"epoch": "e", "seq": 0}}])
    );
    assert_eq!(driven.joined, [log("a"), own("ada")]);
    driven.input(Input::News(news("ada", 1)));
    assert_eq!(driven.reply()["channel"], "");
    driven.frame(&json!({"id": 2, "method": "unsubscribe", "params": {"channelIds": [""]}}));
    assert_eq!(driven.reply()["result"], json!({}));
    assert_eq!(driven.joined, [log("a")]);
    driven.input(Input::News(news("ada", 2)));
    assert!(driven.sent.is_empty(), "{:?}", driven.sent);
}

#[test]
fn it_is_resumed_from_a_cursor_as_channels_are() {
    let mut driven = Driven::open(&json!([]));
    let cursor = |epoch, seq| json!([{"id": "", "cursor": {"epoch": epoch, "seq": seq}}]);
    for (asked, gap) in [
        (cursor("e", 0), Value::Null),
        (cursor("e", 7), json!("cursor-ahead")),
        (cursor("other", 0), json!("epoch-changed")),
    ] {
        let mut channels = driven.resume(&asked);
        assert_eq!(channels[0]["gap"].take(), gap, "{asked}");
        assert_eq!(channels[0]["cursor"], json!({"epoch": "e", "seq": 0}));
    }
}

#[test]
fn nothing_of_another_users_log_is_sent() {
    let mut driven = Driven::open(&json!([{"id": ""}]));
    driven.input(Input::News(news("bob", 1)));
    assert!(driven.sent.is_empty(), "{:?}", driven.sent);
    driven.input(Input::News(news("ada", 1)));
    assert_eq!(driven.reply()["event"], json!({"for": "ada"}));
}

#[test]
fn no_other_request_and_no_token_names_it() {
    let mut driven = Driven::open(&json!([{"id": ""}]));
    let around = json!({"channelId": "", "messageId": KEY});
    for (id, method, params) in [
        (1, "history", json!({"channelId": ""})),
        (2, "history.around", around),
        (3, "message.send", send(3, "")["params"].take()),
    ] {
        driven.frame(&json!({"id": id, "method": method, "params": params}));
        let error = driven.reply()["error"].take();
        assert_eq!(error["code"], "invalid-argument", "{method}");
    }
    let claims = r#"{"ttl": 1, "user": {"id": "ada"}, "channelIds": [""]}"#;
    assert!(serde_json::from_str::<AuthRequest>(claims).is_err());
}
