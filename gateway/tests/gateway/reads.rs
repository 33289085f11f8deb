//! Read marks and counts over the event socket, and the log of a user's own devices.

use serde_json::{Value, json};

use crate::support::{API_KEY, Running, Socket, key, send};

/// Sends so many messages to channel `a`; returns their ids.
async fn fill(ada: &mut Socket, count: u64) -> Vec<Value> {
    let mut ids = Vec::new();
    for number in 0..count {
        let mut sent = ada.call("message.send", send(number, "a", "x")).await;
        ids.push(sent["result"]["message"]["id"].take());
    }
    ids
}

async fn mark(socket: &mut Socket, id: &Value) -> Value {
    let params = json!({"channelId": "a", "messageId": id});
    let mut reply = socket.call("read.mark", params).await;
    assert!(reply["result"].is_object(), "{reply}");
    reply["result"].take()
}

/// Marks on a device that is subscribed to its own log; returns the answer, and what is sent besides, in whichever
/// order.
async fn mark_heard(socket: &mut Socket, id: &Value) -> (Value, Value) {
    let params = json!({"channelId": "a", "messageId": id});
    let request = socket.request("read.mark", params).await;
    let (one, other) = (socket.item().await, socket.item().await);
    let (mut answer, besides) = if one.get("id").is_some() {
        (one, other)
    } else {
        (other, one)
    };
    assert_eq!(answer["id"], request, "{answer}");
    (answer["result"].take(), besides)
}

async fn counts(socket: &mut Socket, params: Value) -> Value {
    let mut reply = socket.call("reads", params).await;
    assert!(reply["result"].is_object(), "{reply}");
    reply["result"]["channels"].take()
}

/// Subscribes to the own log; returns where it begins.
async fn own(socket: &mut Socket) -> Value {
    let params = json!({"channels": [{"id": ""}]});
    let mut reply = socket.call("subscribe", params).await;
    reply["result"]["channels"][0]["cursor"].take()
}

fn event(id: &Value, seq: u64) -> Value {
    let data = json!({"channelId": "a", "messageId": id, "messageSeq": seq});
    json!({"type": "read.updated", "data": data})
}

#[tokio::test]
async fn a_mark_reaches_all_devices_of_the_user_and_is_replayed_over_a_restart() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let ids = fill(&mut ada, 4).await;
    let mut phone = gateway.welcomed("bob", &["a"]).await;
    let mut desk = gateway.welcomed("bob", &["a"]).await;
    own(&mut phone).await;
    let cursor = own(&mut desk).await;
    let unread = counts(&mut desk, json!({})).await;
    assert_eq!(
        (&unread[0]["id"], &unread[0]["count"]),
        (&json!("a"), &json!(4))
    );
    assert!(unread[0].get("lastReadMessageId").is_none());

    let (marked, push) = mark_heard(&mut desk, &ids[1]).await;
    assert_eq!(marked, event(&ids[1], 2)["data"]);
    for push in [push, phone.item().await] {
        assert_eq!((&push["channel"], &push["seq"]), (&json!(""), &json!(1)));
        assert_eq!(push["event"], event(&ids[1], 2));
    }
    // An earlier one changes nothing and is no event.
    assert_eq!(mark(&mut phone, &ids[0]).await, marked);
    drop(desk);
    let (_, push) = mark_heard(&mut phone, &ids[2]).await;
    assert_eq!(push["event"], event(&ids[2], 3));

    drop((phone, ada));
    let gateway = gateway.restart().await;
    let mut desk = gateway.socket().await;
    desk.hello(&gateway.token("bob", &["a"]).await).await;
    let resumed = desk.resume(json!([{"id": "", "cursor": cursor}])).await;
    assert_eq!(resumed, json!([{"id": "", "cursor": cursor}]));
    for seq in 1..=2 {
        let push = desk.item().await;
        assert_eq!(
            (&push["seq"], &push["event"]),
            (&json!(seq), &event(&ids[2], 3))
        );
    }
    let unread = counts(&mut desk, json!({"channelIds": ["a"]})).await;
    assert_eq!(unread[0]["count"], 1);
    assert_eq!(unread[0]["lastReadMessageId"], ids[2]);
    assert!(unread[0]["lastReadTimestamp"].is_string());
    assert_eq!(unread[0]["cursor"]["seq"], 4);
}

#[tokio::test]
async fn users_receive_nothing_of_each_others_logs() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let ids = fill(&mut ada, 3).await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    let mut eve = gateway.welcomed("eve", &["a", "bob"]).await;
    for user in [&mut bob, &mut eve] {
        own(user).await;
    }
    // A channel that is called as a user is no user.
    eve.call("subscribe", json!({"channels": [{"id": "bob"}]}))
        .await;
    let (_, push) = mark_heard(&mut bob, &ids[2]).await;
    assert_eq!(push["event"], event(&ids[2], 3));
    let (_, push) = mark_heard(&mut eve, &ids[0]).await;
    assert_eq!(push["event"], event(&ids[0], 1));
    for (user, count) in [(&mut bob, 0), (&mut eve, 2)] {
        // What arrives first is the answer: there was no other event.
        user.request("reads", json!({"channelIds": ["a"]})).await;
        let answer = user.item().await;
        assert_eq!(answer["result"]["channels"][0]["count"], count, "{answer}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a", "b"]).await;
    let ids = fill(&mut ada, 3).await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    own(&mut bob).await;
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let here = |channel: &str, id: &Value| json!({"channelId": channel, "messageId": id});
    for (method, params, code, word) in [
        (
            "read.mark",
            here("a", &json!(key(9))),
            "message-not-found",
            "messageId",
        ),
        (
            "read.mark",
            here("b", &ids[0]),
            "channel-forbidden",
            "channelId",
        ),
        (
            "read.mark",
            here("", &ids[0]),
            "invalid-argument",
            "must not be empty",
        ),
        (
            "read.mark",
            here("a", &json!("1")),
            "invalid-argument",
            "UUID",
        ),
        (
            "read.mark",
            json!({"channelId": "a"}),
            "invalid-argument",
            "messageId",
        ),
        (
            "reads",
            json!({"channelIds": ["a", "b"]}),
            "channel-forbidden",
            "channelId",
        ),
        (
            "reads",
            json!({"channelIds": [""]}),
            "invalid-argument",
            "must not be empty",
        ),
        (
            "reads",
            json!({"channelIds": ["a", "a"]}),
            "invalid-argument",
            "named twice",
        ),
        (
            "reads",
            json!({"channelIds": many}),
            "invalid-argument",
            "100 channels",
        ),
        (
            "reads",
            json!({"channelIds": 7}),
            "invalid-argument",
            "channelIds",
        ),
    ] {
        let error = bob.call(method, params.clone()).await["error"].take();
        assert_eq!(error["code"], code, "{method} {params}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
    }
    let unread = counts(&mut bob, json!({})).await;
    assert_eq!(unread[0]["count"], 3);
    assert!(unread[0].get("lastReadMessageId").is_none());
    let (_, push) = mark_heard(&mut bob, &ids[0]).await;
    assert_eq!(push["seq"], 1, "the first event");
}

#[tokio::test]
async fn without_names_the_channels_of_the_token_are_counted_that_may_be_read() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a", "b"]).await;
    fill(&mut ada, 2).await;
    let mut bob = gateway.welcomed("bob", &["a", "b", "c"]).await;
    let ban = gateway.http.put(gateway.url("/channels/b/bans/bob"));
    let ban = ban.bearer_auth(API_KEY).json(&json!({})).send().await;
    assert!(ban.unwrap().status().is_success());
    let unread = counts(&mut bob, json!({})).await;
    let ids = unread.as_array().unwrap().iter().map(|one| &one["id"]);
    assert_eq!(Vec::from_iter(ids), ["a", "c"]);
    assert_eq!(
        (&unread[0]["count"], &unread[1]["count"]),
        (&json!(2), &json!(0))
    );
    let error = bob.call("reads", json!({"channelIds": ["b"]})).await["error"].take();
    assert_eq!(error["code"], "user-banned");
}

/// A device that is connected while its user is erased learns that something is missing, and reads on.
#[tokio::test]
async fn an_erased_users_devices_get_a_gap_with_the_next_mark() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let ids = fill(&mut ada, 3).await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    own(&mut bob).await;
    mark_heard(&mut bob, &ids[1]).await;
    let erase = gateway.http.delete(gateway.url("/users/bob"));
    let erase = erase.bearer_auth(API_KEY).send().await.unwrap();
    assert_eq!(erase.status(), 204);
    let unread = counts(&mut bob, json!({})).await;
    assert_eq!(unread[0]["count"], 3);
    let (_, gap) = mark_heard(&mut bob, &ids[0]).await;
    assert_eq!(gap["gap"]["id"], "");
    assert_eq!(gap["gap"]["gap"], "expired");
    let (_, push) = mark_heard(&mut bob, &ids[2]).await;
    assert_eq!(push["event"], event(&ids[2], 3));
}
