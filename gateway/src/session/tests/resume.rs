//! Subscriptions of an earlier connection.

use super::*;

#[test]
fn what_was_missed_is_replayed_whole_and_then_live_events_follow() {
    let mut driven = Driven::new();
    for number in 0..10 {
        driven.other_sends(&number.to_string());
    }
    driven.hello();
    let channels = driven.resume(&json!([{"id": "a", "cursor": {"epoch": "e", "seq": 2}}]));
    assert_eq!(channels[0]["cursor"]["seq"], 2);
    driven.publish("live");
    assert_eq!(driven.seqs(), [3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

#[test]
fn a_cursor_that_cannot_be_recovered_is_told_and_a_forbidden_channel_too() {
    let mut driven = Driven::new();
    driven.other_sends("one");
    driven.hello();
    let channels = driven.resume(&json!([
        {"id": "a", "cursor": {"epoch": "old", "seq": 1}},
        {"id": "c", "cursor": {"epoch": "e", "seq": 1}},
        {"id": "b", "cursor": {"epoch": "e", "seq": 7}},
    ]));
    assert_eq!(
        channels[0],
        json!({"id": "a", "cursor": {"epoch": "e", "seq": 1}, "gap": "epoch-changed"})
    );
    assert_eq!(
        channels[2],
        json!({"id": "b", "cursor": {"epoch": "e", "seq": 0}, "gap": "cursor-ahead"})
    );
    assert_eq!(channels[1]["error"]["code"], "channel-forbidden");
    assert!(!driven.joined.contains(&log("c")));
}

#[test]
fn a_resume_that_cannot_be_answered_fails_as_a_whole_and_leaves_nothing_behind() {
    let mut driven = Driven::new();
    driven.hello();
    driven.hold_heads = true;
    driven.frame(
        &json!({"id": 1, "method": "resume", "params": {"channels": [{"id": "a"}, {"id": "c"}]}}),
    );
    assert_eq!(driven.joined, [log("a")]);
    let (op, logs) = driven.heads.pop_front().expect("the heads are read");
    assert_eq!(logs, [log("a")]);
    let failure = ErrorBody::new(ErrorCode::Internal, "the disk");
    driven.input(Input::Heads(op, Err(failure)));
    assert_eq!(driven.reply()["error"]["code"], "internal");
    assert!(driven.joined.is_empty());
}

#[test]
fn a_channel_left_before_the_resume_is_answered_does_not_come_back() {
    let mut driven = Driven::new();
    driven.hello();
    driven.hold_heads = true;
    driven.other_sends("one");
    driven.frame(&json!({"id": 1, "method": "resume", "params":
        {"channels": [{"id": "a", "cursor": {"epoch": "e", "seq": 0}}]}}));
    driven.frame(&json!({"id": 2, "method": "unsubscribe", "params": {"channelIds": ["a"]}}));
    assert_eq!(driven.reply()["id"], 2);
    driven.read_held_heads();
    assert_eq!(driven.reply()["id"], 1);
    assert!(driven.joined.is_empty());
    driven.publish("two");
    assert_eq!(driven.seqs(), [0; 0]);
}

#[test]
fn a_resume_of_forbidden_channels_alone_is_answered() {
    let mut driven = Driven::new();
    driven.hello();
    let channels = driven.resume(&json!([{"id": "c"}, {"id": "d"}]));
    for (index, id) in ["c", "d"].into_iter().enumerate() {
        assert_eq!(channels[index]["id"], id);
        assert_eq!(channels[index]["error"]["code"], "channel-forbidden");
    }
    assert!(driven.joined.is_empty());
}

#[test]
fn a_subscribed_channel_that_is_resumed_is_replayed_from_the_cursor() {
    let mut driven = Driven::new();
    driven.hello();
    for content in ["one", "two", "three"] {
        driven.other_sends(content);
    }
    driven.frame(&subscribe(1, &["a"]));
    assert_eq!(driven.reply()["result"]["channels"][0]["cursor"]["seq"], 3);
    driven.publish("four");
    assert_eq!(driven.seqs(), [4]);
    let channels = driven.resume(&json!([{"id": "a", "cursor": {"epoch": "e", "seq": 1}}]));
    assert_eq!(channels[0]["cursor"]["seq"], 1);
    driven.publish("five");
    assert_eq!(driven.seqs(), [2, 3, 4, 5]);
}
