//! What is revoked while a connection is open.

use super::*;
use crate::access::{Access, Restriction, Target};

/// A connection of ada that reads both channels, and what restricts it.
fn reading() -> (Driven, Arc<Access>) {
    let tokens = tokens();
    let access = tokens.access().clone();
    let mut number = 1 << 20;
    let new_id = move |now_ms| {
        number += 1;
        Uuid::v7(now_ms, numbered(number))
    };
    let session = Session::new(tokens, Limits::DEFAULT, Box::new(new_id), 0);
    let mut driven = Driven {
        driver: Driver::new(session),
        ..Driven::new()
    };
    driven.hello();
    driven.frame(&subscribe(1));
    assert!(driven.reply()["result"].is_object());
    (driven, access)
}

fn subscribe(id: u64) -> Value {
    json!({"id": id, "method": "subscribe", "params": {"channels": [{"id": "a"}, {"id": "b"}]}})
}

fn ban(access: &Access, channel: &str, user: &str) {
    restrict(access, Target::Ban(channel.parse().unwrap(), user.into()));
}

fn restrict(access: &Access, target: Target) {
    access.put(Restriction {
        target,
        since_ms: 0,
        until_ms: None,
        reason: None,
    });
}

#[test]
fn who_has_read_all_leaves_the_channel_with_a_gap_and_stays() {
    let (mut driven, access) = reading();
    ban(&access, "a", "bob");
    driven.input(Input::Access);
    assert_eq!(driven.joined, [log("a"), log("b")]);
    ban(&access, "a", "ada");
    driven.input(Input::Access);
    let gap = driven.reply();
    assert_eq!(gap["gap"]["id"], "a");
    assert_eq!(gap["gap"]["error"]["code"], "user-banned");
    assert_eq!(driven.joined, [log("b")]);
    driven.publish("unheard");
    assert_eq!((driven.seqs(), driven.closed), (vec![], None));
}

#[test]
fn who_has_not_read_all_receives_nothing_of_it_any_more_and_connects_again() {
    for target in [
        Target::User("ada".into()),
        Target::Ban("a".parse().unwrap(), "ada".into()),
    ] {
        let is_user = matches!(target, Target::User(_));
        let (mut driven, access) = reading();
        driven.drains = false;
        for content in ["on its way", "queued"] {
            driven.publish(content);
        }
        assert_eq!(driven.seqs(), [1]);
        restrict(&access, target);
        driven.input(Input::Access);
        let code = if is_user {
            CloseCode::TokenRevoked
        } else {
            CloseCode::Recover
        };
        assert_eq!(driven.closed, Some(code.code()));
        driven.driver.wrote(driven.now, &mut driven.desk);
        assert!(matches!(driven.driver.next_write(), Some(Write::Close(_))));
    }
}

#[test]
fn a_subscribe_and_a_page_that_are_under_way_are_refused() {
    let (mut driven, access) = reading();
    driven.frame(&json!({"id": 2, "method": "unsubscribe", "params": {"channelIds": ["a", "b"]}}));
    driven.reply();
    (driven.hold_heads, driven.hold_reads) = (true, true);
    driven.frame(&json!({"id": 3, "method": "history", "params": {"channelId": "a"}}));
    driven.frame(&json!({"id": 4, "method": "history", "params": {"channelId": "b"}}));
    driven.frame(&subscribe(5));
    ban(&access, "a", "ada");
    driven.input(Input::Access);
    assert_eq!(driven.reply()["gap"]["id"], "a");
    let refused = driven.reply();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(3), &json!("user-banned"))
    );
    driven.read_held_heads();
    let refused = driven.reply();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(5), &json!("user-banned"))
    );
    assert_eq!(driven.joined, []);
    // The page that was being read is for nobody; the next one is read.
    driven.hold_reads = false;
    let (op, query) = driven.reads.pop_front().unwrap();
    assert_eq!(
        query.logs(),
        [LogId::from("a".parse::<ChannelId>().unwrap())]
    );
    let rows = read_at_once(op, &query, &driven.store, LIMIT);
    driven.input(rows);
    let page = driven.reply();
    assert_eq!(page["id"], 4);
    assert!(page["result"].is_object() && driven.sent.is_empty());
}

#[test]
fn a_revocation_between_the_check_of_a_token_and_the_first_notice_is_not_missed() {
    let (mut driven, access) = reading();
    // The notice of a change that concerns nobody comes first, with a later one in force already.
    ban(&access, "b", "bob");
    ban(&access, "b", "ada");
    driven.input(Input::Access);
    assert_eq!(driven.reply()["gap"]["id"], "b");
    driven.input(Input::Access);
    assert!(driven.sent.is_empty());
}

#[test]
fn what_has_ended_restricts_no_longer() {
    let (mut driven, access) = reading();
    access.put(Restriction {
        target: Target::Mute("a".parse().unwrap(), "ada".into()),
        since_ms: 0,
        until_ms: Some(5_000),
        reason: None,
    });
    driven.input(Input::Access);
    driven.frame(&send(2, "a"));
    assert_eq!(driven.reply()["error"]["code"], "user-muted");
    driven.now = 5_000;
    driven.frame(&send(3, "a"));
    let reply = driven.sent.iter().find(|item| item["id"] == 3).unwrap();
    assert!(reply["result"].is_object());
}

/// Each channel for itself, whether the notice of the change comes before the heads or after them.
#[test]
fn a_resume_that_is_under_way_is_refused_what_was_revoked() {
    for is_noticed in [true, false] {
        let (mut driven, access) = reading();
        let leave = json!({"id": 2, "method": "unsubscribe", "params": {"channelIds": ["a", "b"]}});
        driven.frame(&leave);
        driven.reply();
        driven.hold_heads = true;
        let channels = json!([{"id": "a"}, {"id": "b"}]);
        driven.frame(&json!({"id": 3, "method": "resume", "params": {"channels": channels}}));
        ban(&access, "a", "ada");
        if is_noticed {
            driven.input(Input::Access);
            assert_eq!(driven.reply()["gap"]["id"], "a");
        }
        driven.read_held_heads();
        let channels = driven.reply()["result"]["channels"].take();
        assert_eq!(channels[0]["error"]["code"], "user-banned");
        assert!(channels[0].get("cursor").is_none());
        assert_eq!(channels[1]["cursor"]["seq"], 0);
        driven.publish("unheard");
        driven.input(Input::Access);
        assert_eq!(
            (driven.seqs(), &driven.joined[..]),
            (vec![], &[log("b")][..])
        );
    }
}

/// It waits for the answer to a subscribe, and would be stored after its sender was muted.
#[test]
fn a_send_that_has_not_started_is_refused() {
    let (mut driven, access) = reading();
    driven.hold_heads = true;
    driven.frame(&subscribe(2));
    driven.frame(&send(3, "a"));
    driven.frame(&send(4, "b"));
    restrict(&access, Target::Mute("a".parse().unwrap(), "ada".into()));
    driven.input(Input::Access);
    let refused = driven.reply();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(3), &json!("user-muted"))
    );
    driven.read_held_heads();
    assert_eq!(driven.reply()["id"], 2);
    assert_eq!(driven.seqs(), [1]);
}
