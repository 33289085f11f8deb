//! Sending, over the socket and from a server.

use serde_json::{Value, json};

use crate::support::{API_KEY, Running, error_of, key, send};

#[tokio::test]
async fn a_message_reaches_subscribers_and_its_sender_is_answered() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a", "b"]).await;
    let subscribed = bob
        .call("subscribe", json!({"channels": [{"id": "a"}, {"id": "b"}]}))
        .await;
    assert_eq!(subscribed["result"]["channels"][1]["id"], "b");
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let reply = ada.call("message.send", send(1, "a", "hello")).await;
    let push = bob.item().await;
    assert_eq!(
        push["event"],
        json!({"type": "message.new", "data": reply["result"]})
    );
    assert_eq!((&push["channel"], &push["seq"]), (&json!("a"), &json!(1)));
    assert_eq!(
        push["epoch"],
        subscribed["result"]["channels"][0]["cursor"]["epoch"]
    );
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_the_connection_stays() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let frames = (0..1_000).map(|number| {
        let params = send(number, "a", "x");
        json!({"id": number, "method": "message.send", "params": params}).to_string()
    });
    ada.send_texts(frames).await;
    let (mut stored, mut refused) = (0, 0);
    for _ in 0..1_000 {
        let item = ada.item().await;
        if item["result"].is_object() {
            stored += 1;
        } else {
            assert_eq!(item["error"]["code"], "too-many-requests");
            refused += 1;
        }
    }
    assert!(
        stored >= 256 && refused > 0,
        "{stored} stored, {refused} refused"
    );
}

#[tokio::test]
async fn metadata_nested_deeper_than_64_levels_is_refused() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    let nested = |levels: usize| {
        // Brackets within a text, and after an escaped quote, are no levels.
        let inner = format!(r#"{{"a":"[[{{{{ \" [[[[","b":{}"#, "[".repeat(levels - 1));
        format!("{inner}{}}}", "]".repeat(levels - 1))
    };
    let put = |metadata: String| {
        gateway
            .http
            .put(gateway.url("/channels/a/chat_messages"))
            .bearer_auth(API_KEY)
            .header("content-type", "application/json")
            .body(format!(
                r#"{{"user_id":"ada","content":"x","metadata":{metadata}}}"#
            ))
            .send()
    };
    for (levels, is_fine) in [(64, true), (65, false), (8_000, false)] {
        let frame = format!(
            r#"{{"id":1,"method":"message.send","params":{{"key":"{}","channelId":"a","content":"x","metadata":{}}}}}"#,
            key(levels as u64),
            nested(levels)
        );
        ada.send_text(&frame).await;
        let reply = ada.item().await;
        assert_eq!(reply["result"].is_object(), is_fine, "{levels}: {reply}");
        let answer = put(nested(levels)).await.unwrap();
        assert_eq!(answer.status() == 200, is_fine, "{levels}");
        if !is_fine {
            assert_eq!(reply["error"]["code"], "invalid-argument");
            let error = error_of(answer).await;
            assert_eq!(error.1, "invalid-argument");
            for text in [&error.2, reply["error"]["message"].as_str().unwrap()] {
                assert!(
                    text.starts_with("metadata: ") && text.contains("64"),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_server_sends_in_a_users_name_once() {
    let gateway = Running::start().await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    bob.call("subscribe", json!({"channels": [{"id": "a"}]}))
        .await;
    let put = |channel: &str, key: Option<&str>, body: Value| {
        let request = gateway
            .http
            .put(gateway.url(&format!("/channels/{channel}/chat_messages")))
            .json(&body);
        let request = request.bearer_auth(API_KEY);
        match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
        .send()
    };
    let body = json!({"user_id": "ada", "content": "hello", "metadata": {"a": 1}});
    let key = key(7);
    let first: Value = put("a", Some(&key), body.clone())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let again: Value = put("a", Some(&key), body.clone())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(first, again);
    let push = bob.item().await;
    let message = &push["event"]["data"]["message"];
    assert_eq!(
        (&message["id"], &message["userId"], &message["metadata"]),
        (&first["id"], &json!("ada"), &json!({"a": 1}))
    );

    let reply = json!({"user_id": "eve", "content": "re", "parent_id": first["id"]});
    assert_eq!(put("a", None, reply).await.unwrap().status(), 200);
    assert_eq!(
        bob.item().await["event"]["data"]["message"]["rootMessageId"],
        first["id"]
    );

    for (channel, body, code, word) in [
        (
            "a",
            json!({"user_id": "ada", "content": "x", "metadata": [1]}),
            "invalid-argument",
            "metadata",
        ),
        (
            "a",
            json!({"user_id": "", "content": "x"}),
            "invalid-argument",
            "user_id",
        ),
        (
            "a",
            json!({"user_id": "ada", "content": "x".repeat(65 * 1024)}),
            "content-too-large",
            "content",
        ),
        (
            "a",
            json!({"user_id": "ada", "content": "x", "parent_id": crate::support::key(9)}),
            "message-not-found",
            "parent",
        ),
        (
            "%0a",
            json!({"user_id": "ada", "content": "x"}),
            "invalid-argument",
            "channel_id",
        ),
    ] {
        let error = error_of(put(channel, None, body).await.unwrap()).await;
        assert_eq!(error.1, code, "{}", error.2);
        assert!(error.2.contains(word), "{}", error.2);
    }
}
