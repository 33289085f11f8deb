//! Subscribing and leaving.

use super::*;

#[test]
fn the_reply_to_subscribe_comes_before_the_pushes_and_they_have_no_gap() {
    let mut driven = Driven::open(&json!([]));
    driven.other_sends("before");
    driven.frame(&json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}));
    assert_eq!(
        driven.reply()["result"]["channels"][0]["cursor"],
        json!({"epoch": "e", "seq": 1})
    );
    driven.publish("two");
    driven.publish("three");
    assert_eq!(driven.seqs(), [2, 3]);
}

#[test]
fn unsubscribe_ends_the_pushes_and_a_new_subscribe_starts_at_the_head() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.frame(
        &json!({"id": 1, "method": "unsubscribe", "params": {"channelIds": ["a", "unknown"]}}),
    );
    assert_eq!(driven.reply()["result"], json!({}));
    driven.publish("missed");
    driven.frame(&json!({"id": 2, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}));
    assert_eq!(driven.reply()["result"]["channels"][0]["cursor"]["seq"], 1);
    driven.publish("received");
    assert_eq!(driven.seqs(), [2]);
}

#[test]
fn a_subscribe_that_failed_leaves_the_channel_to_the_next_one() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_heads = true;
    for id in [1, 2] {
        driven.frame(&subscribe(id, &["a"]));
    }
    let (first, _) = driven.heads.pop_front().expect("the first asks");
    let full = ErrorBody::new(ErrorCode::StorageFull, "full");
    driven.input(Input::Heads(first, Err(full)));
    assert_eq!(driven.reply()["error"]["code"], "storage-full");
    driven.read_held_heads();
    assert!(driven.reply()["result"].is_object());
    driven.publish("received");
    assert_eq!(driven.seqs(), [1]);
}

/// An event is in the head that is read, or there is news of it.
#[test]
fn the_bus_is_joined_before_the_head_is_read() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_heads = true;
    driven.frame(&subscribe(1, &["a"]));
    assert_eq!(
        (&driven.joined[..], driven.heads.len()),
        (&[log("a")][..], 1)
    );
    let (op, logs) = driven.heads.pop_front().expect("the head is read");
    let head = driven.store.heads(&logs);
    driven.publish("between the read and its answer");
    driven.input(Input::Heads(op, head));
    assert_eq!(driven.reply()["result"]["channels"][0]["cursor"]["seq"], 0);
    assert_eq!(driven.seqs(), [1]);
}

#[test]
fn what_was_sent_before_a_subscribe_is_in_its_head_and_what_is_sent_after_it_follows() {
    let mut driven = Driven::open(&json!([]));
    (driven.hold_commits, driven.hold_heads) = (true, true);
    driven.frame(&send(1, "a"));
    driven.frame(&subscribe(2, &["a"]));
    let mut after = send(3, "a");
    after["params"]["key"] = json!("8e8a4e05-12e3-43b5-882e-d9711426f8e4");
    driven.frame(&after);
    // The head waits for the change before it, and the change after it waits for the head.
    assert_eq!((driven.commits.len(), driven.heads.len()), (1, 0));
    driven.commit_held();
    assert_eq!((driven.commits.len(), driven.heads.len()), (0, 1));
    driven.read_held_heads();
    driven.commit_held();
    let ids: Vec<_> = driven.sent.iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!(2), &Value::Null, &json!(3)]);
    assert_eq!(driven.sent[1]["result"]["channels"][0]["cursor"]["seq"], 1);
    assert_eq!(driven.sent[2]["seq"], 2);
}

#[test]
fn the_heads_of_one_request_at_a_time_are_read() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_heads = true;
    for id in 1..=3 {
        driven.frame(&subscribe(id, &["a", "b"]));
    }
    for id in 1..=3 {
        assert_eq!(driven.heads.len(), 1);
        let (op, logs) = driven.heads.pop_front().unwrap();
        let heads = driven.store.heads(&logs);
        driven.input(Input::Heads(op, heads));
        assert_eq!(driven.reply()["id"], id);
    }
}

#[test]
fn a_list_with_a_channel_twice_is_refused_before_any_work() {
    let mut driven = Driven::open(&json!([]));
    driven.asks = 0;
    driven.frame(&subscribe(1, &["a"; 10_000]));
    let twice = json!([{"id": "a"}, {"id": "a"}]);
    driven.frame(&json!({"id": 2, "method": "resume", "params": {"channels": twice}}));
    driven.frame(&json!({"id": 3, "method": "unsubscribe", "params": {"channelIds": ["a", "a"]}}));
    for id in 1..=3 {
        let reply = driven.reply();
        assert_eq!(reply["id"], id);
        assert_eq!(reply["error"]["code"], "invalid-argument");
        let message = reply["error"]["message"].as_str().unwrap();
        assert!(message.contains("a is named twice"), "{message}");
    }
    assert_eq!(driven.asks, 0);
}

/// A user of so many channels, on a connection that may have 200.
fn wide(channels: usize) -> (Driven, Vec<String>) {
    let ids: Vec<_> = (0..channels).map(|id| format!("c{id}")).collect();
    let refs: Vec<_> = ids.iter().map(String::as_str).collect();
    let limits = Limits {
        channels_per_connection: 200,
        ..Limits::DEFAULT
    };
    let mut driven = Driven {
        driver: Driver::new(session_with(limits)),
        ..Driven::new()
    };
    driven.frame(&json!({"hello": {"token": token("ada", &refs)}}));
    assert!(driven.reply()["welcome"].is_object());
    (driven, ids)
}

fn part(id: u64, ids: &[String]) -> Value {
    subscribe(id, &ids.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn more_channels_than_a_request_or_a_connection_may_have_are_refused_before_any_work() {
    let (mut driven, ids) = wide(201);
    driven.frame(&part(1, &ids[..101]));
    let error = driven.reply()["error"].take();
    assert_eq!(error["code"], "invalid-argument");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("channels: a request may name 100"),
        "{message}"
    );
    assert_eq!(driven.asks, 0);
    for (id, part_of) in (2..).zip(ids[..200].chunks(100)) {
        driven.frame(&part(id, part_of));
        let channels = driven.reply()["result"]["channels"].take();
        assert_eq!(channels.as_array().unwrap().len(), 100);
    }
    assert_eq!(driven.joined.len(), 200);
    driven.asks = 0;
    driven.frame(&part(20, &ids[200..]));
    let error = driven.reply()["error"].take();
    assert_eq!(error["code"], "invalid-argument");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("channels: a connection may"),
        "{message}"
    );
    assert_eq!((driven.asks, driven.joined.len()), (0, 200));
}

/// What waits is counted by the channels it names, so that large requests do not pile up.
#[test]
fn unanswered_requests_name_as_many_channels_as_a_connection_may_have() {
    let (mut driven, ids) = wide(100);
    driven.hold_heads = true;
    for id in 1..=2 {
        driven.frame(&part(id, &ids));
    }
    assert!(driven.sent.is_empty());
    driven.frame(&part(11, &ids[..1]));
    assert_eq!(driven.reply()["error"]["code"], "too-many-requests");
    driven.frame(&json!({"id": 12, "method": "resume", "params": {"channels": [{"id": "c0"}]}}));
    assert_eq!(driven.reply()["error"]["code"], "too-many-requests");
    driven.read_held_heads();
    assert_eq!(driven.sent.len(), 2);
    driven.sent.clear();
    driven.hold_heads = false;
    driven.frame(&part(13, &ids[..1]));
    assert!(driven.reply()["result"].is_object());
}
