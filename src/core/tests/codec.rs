//! Frames as they stand on the wire.

use super::*;
use crate::core::codec::{decode, decode_error, decode_recoveries, encode};

fn text(frame: &Frame<Json>) -> serde_json::Value {
    let text = encode(frame);
    let body = text.body.and_then(|body| body.string()).unwrap_or_default();
    let whole = [text.head, body, text.tail].concat();
    serde_json::from_str(&whole).unwrap_or_else(|error| panic!("{whole}: {error}"))
}

fn request_text(method: Method<Json>) -> serde_json::Value {
    text(&Frame::Request(7, method))
}

fn item(value: serde_json::Value) -> Option<Incoming<'static, Json>> {
    decode(&Json(value))
}

#[test]
fn a_hello_has_the_token_and_the_device() {
    let token = "a \"quoted\"\\\n\u{1}token é".to_owned();
    let hello = text(&Frame::Hello {
        token: token.clone(),
        device: r#""a phone""#.into(),
    });
    let hello = &hello["hello"];
    assert_eq!(hello["token"], token);
    assert_eq!(hello["deviceId"], "a phone");
    assert_eq!(
        hello["sdk"],
        concat!("alo-chat/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(text(&Frame::Ping), json!({"ping": 0}));
}

#[test]
fn every_method_is_a_whole_request() {
    let body = Json::from(r#""message.send","params":{"channelId":"a","content":"hi""#);
    let (key, file): (Uuid, Uuid) = (FILE.parse().unwrap(), FILE.parse().unwrap());
    for (method, expected) in [
        (
            Method::Subscribe(vec![channel(), "b".parse().unwrap()]),
            json!({"id": 7, "method": "subscribe", "params": {"channels": [{"id": "a"}, {"id": "b"}]}}),
        ),
        (
            Method::Resume(vec![
                (channel(), recovery(4, None).cursor.unwrap()),
                ("b".parse().unwrap(), recovery(5, None).cursor.unwrap()),
            ]),
            json!({"id": 7, "method": "resume", "params": {"channels": [
                {"id": "a", "cursor": {"epoch": "e", "seq": 4}},
                {"id": "b", "cursor": {"epoch": "e", "seq": 5}},
            ]}}),
        ),
        (
            Method::Unsubscribe(vec![channel()]),
            json!({"id": 7, "method": "unsubscribe", "params": {"channelIds": ["a"]}}),
        ),
        (
            Method::Refresh("t\"".into()),
            json!({"id": 7, "method": "auth.refresh", "params": {"token": "t\""}}),
        ),
        (
            Method::Once {
                body: body.clone(),
                key,
                files: vec![file],
            },
            json!({"id": 7, "method": "message.send", "params":
                {"channelId": "a", "content": "hi", "key": FILE, "fileIds": [FILE]}}),
        ),
        (
            Method::Once {
                body,
                key,
                files: vec![],
            },
            json!({"id": 7, "method": "message.send", "params": {"channelId": "a", "content": "hi", "key": FILE}}),
        ),
        (
            Method::Other(Json::from(r#""history","params":{"channelId":"a""#)),
            json!({"id": 7, "method": "history", "params": {"channelId": "a"}}),
        ),
    ] {
        assert_eq!(request_text(method), expected);
    }
}

#[test]
fn a_welcome_says_what_the_client_needs() {
    let welcome = json!({"welcome": {
        "connectionId": FILE, "userId": "ada", "heartbeatMs": 25_000, "tokenExpiresInMs": 60_000,
        "limits": {"frameBytes": 1_000, "channelsPerConnection": 8, "requestsInFlight": 9},
        "later": 1,
    }});
    let Some(Incoming::Welcome(welcome)) = item(welcome) else {
        panic!("no welcome");
    };
    assert_eq!(
        (welcome.user.as_str(), welcome.heartbeat_ms),
        ("ada", 25_000)
    );
    assert_eq!(welcome.token_expires_in_ms, 60_000);
    assert_eq!(
        (
            welcome.limits.frame_bytes,
            welcome.limits.channels_per_connection,
            welcome.limits.requests_in_flight
        ),
        (1_000, 8, 9)
    );
}

#[test]
fn each_recovery_says_where_its_channel_continues() {
    let result = Json(json!({"channels": [
        {"id": "a", "cursor": {"epoch": "e", "seq": 4}, "gap": "expired"},
        {"id": "b", "error": {"code": "channel-forbidden"}},
        {"id": "c", "cursor": {"epoch": "e", "seq": 5}, "gap": "of a newer gateway"},
    ]}));
    let gaps: Vec<_> = decode_recoveries(&result)
        .unwrap()
        .iter()
        .map(|one| (one.cursor.as_ref().map(|cursor| cursor.seq), one.gap))
        .collect();
    let expired = Some(GapReason::Expired);
    assert_eq!(gaps, [(Some(4), expired), (None, None), (Some(5), expired)]);
}

#[test]
fn replies_gaps_and_pongs_are_read() {
    let result = json!({"message": {"id": 1}});
    let Some(Incoming::Reply(7, Ok(value))) = item(json!({"id": 7, "result": result})) else {
        panic!("no reply");
    };
    assert_eq!(value, Json(result));
    let error =
        json!({"code": "of-a-newer-gateway", "statusCode": 418, "message": "m", "retryable": true});
    let Some(Incoming::Reply(8, Err(error))) = item(json!({"id": 8, "error": error})) else {
        panic!("no error");
    };
    assert_eq!(
        (&*error.code, error.status, &*error.message, error.retryable),
        ("of-a-newer-gateway", 418, "m", true)
    );
    let gap =
        json!({"gap": {"id": "a", "cursor": {"epoch": "e", "seq": 9}, "gap": "cursor-ahead"}});
    let Some(Incoming::Gap(gap)) = item(gap) else {
        panic!("no gap");
    };
    assert_eq!(gap.cursor, recovery(9, None).cursor);
    assert_eq!(gap.gap, Some(GapReason::CursorAhead));
    assert!(matches!(item(json!({"pong": 0})), Some(Incoming::Pong)));
}

#[test]
fn what_is_not_of_the_protocol_is_no_item() {
    for value in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"id": "7", "result": 1}),
        json!({"id": 7}),
        json!({"welcome": {"userId": "ada"}}),
        json!({"gap": {"cursor": {"epoch": "e", "seq": 9}}}),
        json!({"gap": {"id": "\n", "cursor": null}}),
        json!({"later": 1}),
    ] {
        assert!(item(value.clone()).is_none(), "{value}");
    }
    // An error in which everything is missing is an error all the same.
    let error = decode_error(&Json(
        json!({"code": "too-many-requests", "retryAfterMs": 750}),
    ));
    assert_eq!(error.retry_after_ms, Some(750));
    let error = decode_error(&Json(json!({})));
    assert_eq!(error.retry_after_ms, None);
    assert_eq!((&*error.code, error.status), ("internal", 500));
}
