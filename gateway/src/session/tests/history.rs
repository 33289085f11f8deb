//! Pages of history.

use super::*;

fn history(id: u64, channel: &str) -> Value {
    json!({"id": id, "method": "history", "params": {"channelId": channel, "limit": 2}})
}

#[test]
fn history_is_for_who_may_subscribe() {
    let mut driven = Driven::open(&json!([]));
    for number in 0..3 {
        driven.other_sends(&number.to_string());
    }
    driven.frame(&history(1, "a"));
    let page = driven.reply();
    let messages = page["result"]["messages"].as_array().unwrap();
    let contents: Vec<_> = messages.iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, ["2", "1"]);
    assert_eq!(page["result"]["cursor"], json!({"epoch": "e", "seq": 3}));
    assert!(page["result"]["olderPageToken"].is_string());
    let around = |channel: &str| {
        let id = &messages[0]["id"];
        json!({"id": 2, "method": "history.around", "params": {"channelId": channel, "messageId": id}})
    };
    driven.frame(&around("a"));
    assert_eq!(
        driven.reply()["result"]["messages"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    for frame in [history(3, "c"), around("c")] {
        driven.frame(&frame);
        assert_eq!(driven.reply()["error"]["code"], "channel-forbidden");
    }
}

#[test]
fn history_is_read_one_page_at_a_time_and_only_while_there_is_room() {
    let mut driven = Driven::open(&json!([]));
    (driven.hold_reads, driven.drains) = (true, false);
    let page = || {
        let message = json!({"content": "x".repeat(1 << 20)}).to_string();
        Rows::Page(alo_protocol::HistoryPage {
            messages: vec![serde_json::value::RawValue::from_string(message).unwrap()],
            older_page_token: None,
            newer_page_token: None,
            cursor: Cursor {
                epoch: "e".into(),
                seq: 1,
            },
        })
    };
    for id in 1..=4 {
        driven.frame(&history(id, "a"));
    }
    let mut begun = 0;
    while let Some((op, _)) = driven.reads.pop_front() {
        begun += 1;
        assert!(driven.reads.is_empty(), "one at a time");
        driven.input(Input::Rows(op, Ok(page())));
    }
    // The first is being written, the second waits.
    assert_eq!((begun, driven.driver.waiting()), (1, 0));
    driven.driver.wrote(0, &mut driven.desk);
    driven.run();
    assert_eq!(driven.reads.len(), 1);
    driven.drains = true;
    while let Some((op, _)) = driven.reads.pop_front() {
        driven.input(Input::Rows(op, Ok(page())));
    }
    let ids: Vec<_> = driven.sent.iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
}

#[test]
fn history_shows_what_the_same_connection_sent_before() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_commits = true;
    driven.frame(&send(1, "a"));
    driven.frame(&history(2, "a"));
    assert!(driven.sent.is_empty());
    driven.commit_held();
    assert_eq!(driven.reply()["id"], 1);
    assert_eq!(
        driven.reply()["result"]["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_is_wrong_in_history_is_named() {
    let mut driven = Driven::open(&json!([]));
    for (params, word) in [
        (json!({"channelId": "a", "limit": 0}), "limit"),
        (json!({"channelId": "a", "limit": 1_001}), "limit"),
        (
            json!({"channelId": "a", "olderPageToken": "x"}),
            "olderPageToken",
        ),
    ] {
        driven.frame(&json!({"id": 1, "method": "history", "params": params}));
        let error = driven.reply()["error"].take();
        assert_eq!(error["code"], "invalid-argument");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
}
