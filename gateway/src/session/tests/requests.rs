//! Requests in general, and sending.

use super::*;

#[test]
fn a_message_is_stored_once_however_often_it_is_sent() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    for id in 1..=3 {
        driven.frame(&send(id, "a"));
    }
    let items = std::mem::take(&mut driven.sent);
    let replies: Vec<_> = items.iter().filter(|item| !item["id"].is_null()).collect();
    assert_eq!(replies.len(), 3);
    assert!(
        replies
            .iter()
            .all(|reply| reply["result"]["message"] == replies[0]["result"]["message"])
    );
    assert_eq!(
        items.iter().filter(|item| !item["seq"].is_null()).count(),
        1
    );
}

#[test]
fn every_request_is_authorized() {
    let mut driven = Driven::open(&json!([]));
    driven.frame(&send(1, "c"));
    assert_eq!(driven.reply()["error"]["code"], "channel-forbidden");
    driven.frame(&json!({"id": 2, "method": "subscribe", "params": {"channels": [{"id": "a"}, {"id": "c"}]}}));
    assert_eq!(driven.reply()["error"]["code"], "channel-forbidden");
    assert!(driven.joined.is_empty(), "all or nothing");
}

#[test]
fn sizes_are_checked_and_the_error_names_what_is_too_large() {
    let mut driven = Driven::open(&json!([]));
    for (field, value, code) in [
        ("content", json!("x".repeat(65_537)), "content-too-large"),
        (
            "metadata",
            json!({"x": "x".repeat(16_384)}),
            "content-too-large",
        ),
        ("files", Value::Null, "invalid-argument"),
    ] {
        let mut frame = send(1, "a");
        if field == "files" {
            frame["params"]["fileIds"] = json!(vec![KEY; 33]);
        } else {
            frame["params"][field] = value;
        }
        driven.frame(&frame);
        let reply = driven.reply();
        assert_eq!(reply["error"]["code"], code);
        assert!(
            reply["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with(field)
        );
    }
}

#[test]
fn too_many_requests_are_refused_and_a_flood_is_closed() {
    let mut driven = Driven::open(&json!([]));
    // The store does not answer.
    driven.hold_commits = true;
    for id in 0..=1_024 {
        assert_eq!(driven.closed, None);
        driven.frame(&send(id, "a"));
    }
    assert_eq!(driven.closed, Some(CloseCode::Flood.code()));
    assert_eq!((driven.commits.len(), driven.sent.len()), (256, 768));
    let refused = |item: &Value| item["error"]["code"] == "too-many-requests";
    assert!(driven.sent.iter().all(refused));
}
