//! Earlier messages, over the event socket and for the app's server.

use serde_json::{Value, json};

use crate::support::{API_KEY, Running, Socket, error_of, key};

/// Sends so many messages, numbered from 0.
async fn fill(socket: &mut Socket, count: u64) {
    for number in 0..count {
        let params = json!({"key": key(number), "channelId": "a", "content": number.to_string()});
        let sent = socket.call("message.send", params).await;
        assert!(sent["result"].is_object(), "{sent}");
    }
}

fn contents(page: &Value) -> Vec<u64> {
    let messages = page["messages"].as_array().unwrap();
    let number = |message: &Value| message["content"].as_str().unwrap().parse().unwrap();
    messages.iter().map(number).collect()
}

async fn history(socket: &mut Socket, params: Value) -> Value {
    let mut reply = socket.call("history", params).await;
    assert!(reply["result"].is_object(), "{reply}");
    reply["result"].take()
}

#[tokio::test]
async fn pages_lead_to_the_oldest_message_and_back() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    fill(&mut ada, 7).await;
    let newest = history(&mut ada, json!({"channelId": "a", "limit": 3})).await;
    assert_eq!(contents(&newest), [6, 5, 4]);
    assert_eq!(newest["cursor"]["seq"], 7);
    assert!(newest.get("newerPageToken").is_none());
    let older = json!({"channelId": "a", "limit": 3, "olderPageToken": newest["olderPageToken"]});
    let middle = history(&mut ada, older.clone()).await;
    assert_eq!(contents(&middle), [3, 2, 1]);
    // Stable while messages arrive.
    let params = json!({"key": key(7), "channelId": "a", "content": "7"});
    ada.call("message.send", params).await;
    assert_eq!(contents(&history(&mut ada, older).await), [3, 2, 1]);
    let last = json!({"channelId": "a", "limit": 3, "olderPageToken": middle["olderPageToken"]});
    let oldest = history(&mut ada, last).await;
    assert_eq!(contents(&oldest), [0]);
    assert!(oldest.get("olderPageToken").is_none());
    let newer = json!({"channelId": "a", "limit": 3, "newerPageToken": oldest["newerPageToken"]});
    assert_eq!(contents(&history(&mut ada, newer).await), [3, 2, 1]);
}

#[tokio::test]
async fn a_message_is_shown_among_its_neighbours() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    fill(&mut ada, 20).await;
    let all = history(&mut ada, json!({"channelId": "a"})).await;
    let tenth = &all["messages"][10]["id"];
    let params = json!({"channelId": "a", "messageId": tenth, "limit": 5});
    let around = ada.call("history.around", params).await["result"].take();
    assert_eq!(contents(&around), (4..=14).rev().collect::<Vec<_>>());
    assert!(around["olderPageToken"].is_string() && around["newerPageToken"].is_string());
    let params = json!({"channelId": "a", "messageId": key(99)});
    let unknown = ada.call("history.around", params).await;
    assert_eq!(unknown["error"]["code"], "message-not-found");
}

#[tokio::test]
async fn history_is_for_who_may_read_the_channel_and_names_what_is_wrong() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a", "b"]).await;
    fill(&mut ada, 3).await;
    let page = history(&mut ada, json!({"channelId": "a", "limit": 1})).await;
    let token = &page["olderPageToken"];
    for (method, params, code, word) in [
        (
            "history",
            json!({"channelId": "c"}),
            "channel-forbidden",
            "channelId",
        ),
        (
            "history.around",
            json!({"channelId": "c", "messageId": key(1)}),
            "channel-forbidden",
            "channelId",
        ),
        (
            "history",
            json!({"channelId": "a", "limit": 0}),
            "invalid-argument",
            "limit",
        ),
        (
            "history",
            json!({"channelId": "a", "limit": 1_001}),
            "invalid-argument",
            "limit",
        ),
        // Of another channel.
        (
            "history",
            json!({"channelId": "b", "olderPageToken": token}),
            "invalid-argument",
            "olderPageToken",
        ),
        (
            "history",
            json!({"channelId": "a", "olderPageToken": "broken"}),
            "invalid-argument",
            "olderPageToken",
        ),
        (
            "history",
            json!({"channelId": "a", "newerPageToken": token}),
            "invalid-argument",
            "newerPageToken",
        ),
    ] {
        let error = ada.call(method, params.clone()).await["error"].take();
        assert_eq!(error["code"], code, "{params}");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
}

/// Many pages requested at once are answered in order, and a client that reads slowly gets them all.
#[tokio::test]
async fn many_pages_asked_for_at_once_come_in_order() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    for number in 0..32 {
        let content = "x".repeat(60_000);
        let params = json!({"key": key(number), "channelId": "a", "content": content});
        ada.call("message.send", params).await;
    }
    let mut ids = Vec::new();
    for _ in 0..64 {
        ids.push(ada.request("history", json!({"channelId": "a"})).await);
    }
    for id in ids {
        let reply = ada.item().await;
        assert_eq!(reply["id"], id);
        let messages = reply["result"]["messages"].as_array().unwrap();
        assert!((10..32).contains(&messages.len()), "a page has its bound");
        assert!(reply["result"]["olderPageToken"].is_string());
    }
}

/// The recipe of docs/history.md: subscribe, load a page, and take the events after its cursor.
#[tokio::test]
async fn a_page_and_the_events_after_it_join_exactly() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a"]).await;
    fill(&mut ada, 2).await;
    let mut bob = gateway.welcomed("bob", &["a"]).await;
    bob.request("subscribe", json!({"channels": [{"id": "a"}]}))
        .await;
    let asked = bob.request("history", json!({"channelId": "a"})).await;
    let mut number = 2;
    let (mut events, mut page) = (Vec::new(), None);
    while page.is_none() || events.last() != Some(&20) {
        if number < 20 {
            let params =
                json!({"key": key(number), "channelId": "a", "content": number.to_string()});
            ada.call("message.send", params).await;
            number += 1;
        }
        let item = bob.item().await;
        if let Some(seq) = item["seq"].as_u64() {
            events.push(seq);
        } else if item["id"] == asked {
            page = Some(item["result"].clone());
        }
    }
    let page = page.unwrap();
    let cursor = page["cursor"]["seq"].as_u64().unwrap();
    let mut shown: Vec<_> = page["messages"].as_array().unwrap().iter().rev().collect();
    assert_eq!(shown.pop().unwrap()["seq"], cursor);
    let after: Vec<_> = events.into_iter().filter(|seq| *seq > cursor).collect();
    assert_eq!(after, (cursor + 1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn requests_behind_the_hello_are_answered_after_the_welcome() {
    let gateway = Running::start().await;
    let token = gateway.token("ada", &["a"]).await;
    let mut socket = gateway.socket().await;
    let frames = [
        json!({"hello": {"token": token}}),
        json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": "a"}]}}),
        json!({"id": 2, "method": "message.send",
               "params": {"key": key(1), "channelId": "a", "content": "x"}}),
        json!({"id": 3, "method": "history", "params": {"channelId": "a"}}),
    ];
    socket
        .send_texts(frames.iter().map(ToString::to_string))
        .await;
    assert!(socket.item().await["welcome"].is_object());
    let mut ids = Vec::new();
    while ids.len() < 3 {
        let item = socket.item().await;
        if let Some(id) = item["id"].as_u64() {
            assert!(item["result"].is_object(), "{item}");
            ids.push(id);
            if id == 3 {
                assert_eq!(item["result"]["messages"].as_array().unwrap().len(), 1);
            }
        }
    }
    assert_eq!(ids, [1, 2, 3]);
}

#[tokio::test]
async fn the_apps_server_has_the_same_pages_by_its_key() {
    let gateway = Running::start().await;
    let mut ada = gateway.welcomed("ada", &["a", "b"]).await;
    fill(&mut ada, 7).await;
    let get = |query: &str| {
        let url = gateway.url(&format!("/channels/a/chat_messages{query}"));
        gateway.http.get(url).bearer_auth(API_KEY)
    };
    let page = async |query: &str| {
        let response = get(query).send().await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.json::<Value>().await.unwrap()
    };
    let newest = page("?limit=3").await;
    assert_eq!(contents(&newest), [6, 5, 4]);
    assert!(newest.get("newer_page_token").is_none());
    let token = newest["older_page_token"].as_str().unwrap();
    let middle = page(&format!("?limit=3&older_page_token={token}")).await;
    assert_eq!(contents(&middle), [3, 2, 1]);
    let token = middle["newer_page_token"].as_str().unwrap();
    let back = page(&format!("?newer_page_token={token}")).await;
    assert_eq!(contents(&back), [6, 5, 4]);
    let id = middle["messages"][1]["id"].as_str().unwrap();
    let around = page(&format!("?around={id}&limit=1")).await;
    assert_eq!(contents(&around), [3, 2, 1]);
    assert_eq!(contents(&page("").await).len(), 7);

    let older = newest["older_page_token"].as_str().unwrap();
    for (query, status, code, word) in [
        ("?limit=0".to_owned(), 400, "invalid-argument", "limit"),
        ("?limit=1001".to_owned(), 400, "invalid-argument", "limit"),
        ("?limit=many".to_owned(), 400, "invalid-argument", "limit"),
        (
            "?older_page_token=broken".to_owned(),
            400,
            "invalid-argument",
            "older_page_token",
        ),
        (
            format!("?newer_page_token={older}"),
            400,
            "invalid-argument",
            "newer_page_token",
        ),
        ("?around=x".to_owned(), 400, "invalid-argument", "around"),
        (
            format!("?around={id}&older_page_token={older}"),
            400,
            "invalid-argument",
            "around",
        ),
        (
            format!("?around={}", key(99)),
            404,
            "message-not-found",
            "around",
        ),
    ] {
        let error = error_of(get(&query).send().await.unwrap()).await;
        assert_eq!((error.0, &*error.1), (status, code), "{query}");
        assert!(error.2.contains(word), "{query}: {}", error.2);
    }
    // A token of another channel.
    let url = gateway.url(&format!(
        "/channels/b/chat_messages?older_page_token={older}"
    ));
    let foreign = gateway.http.get(url).bearer_auth(API_KEY);
    let error = error_of(foreign.send().await.unwrap()).await;
    assert_eq!((error.0, &*error.1), (400, "invalid-argument"));
    assert!(error.2.contains("older_page_token"), "{}", error.2);

    let url = gateway.url("/channels/a/chat_messages");
    let token = gateway.token("ada", &["a"]).await;
    for (request, code) in [
        (gateway.http.get(&url), "token-missing"),
        (gateway.http.get(&url).bearer_auth(token), "token-invalid"),
    ] {
        let error = error_of(request.send().await.unwrap()).await;
        assert_eq!((error.0, &*error.1), (401, code));
    }
}
