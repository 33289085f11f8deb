//! Whatever text comes, the decoder does not panic; and what is written is read again.
#![cfg(feature = "json")]

use alo_protocol::{ChannelId, ClientFrame, CloseCode, ErrorCode, Request, Uuid};
use proptest::prelude::*;
use serde_json::{Value, json};

/// JSON of any shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const METHODS: &[&str] = &[
    "message.send",
    "subscribe",
    "resume",
    "unsubscribe",
    "auth.refresh",
    "other",
];
const KEYS: &[&str] = &[
    "key",
    "channelId",
    "content",
    "metadata",
    "parentId",
    "fileIds",
    "channels",
    "channelIds",
    "token",
];

/// A frame with the right keys and anything in them.
fn nearly_a_frame() -> impl Strategy<Value = Value> {
    (
        proptest::sample::select(METHODS),
        proptest::collection::btree_map(proptest::sample::select(KEYS), any_json(), 0..9),
        any_json(),
    )
        .prop_map(|(method, params, id)| json!({"id": id, "method": method, "params": params}))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_decoded_or_refused(text in ".{0,200}") {
        let _ = ClientFrame::decode(&text);
    }

    #[test]
    fn any_json_is_decoded_or_refused(value in any_json()) {
        let _ = ClientFrame::decode(&value.to_string());
    }

    #[test]
    fn a_frame_with_an_id_can_be_answered(frame in nearly_a_frame()) {
        let id = frame["id"].as_u64();
        match ClientFrame::decode(&frame.to_string()) {
            Ok(ClientFrame::Request { id: decoded, .. }) => prop_assert_eq!(Some(decoded), id),
            Ok(ClientFrame::Refused { id: decoded, error }) => {
                prop_assert_eq!(Some(decoded), id);
                prop_assert!(error.code == ErrorCode::InvalidArgument || error.code == ErrorCode::UnknownMethod);
            }
            Ok(ClientFrame::Hello(_) | ClientFrame::Ping(_)) => prop_assert!(false, "neither hello nor ping"),
            Err(_) => prop_assert_eq!(id, None),
        }
    }

    #[test]
    fn metadata_is_kept_to_the_letter(metadata in any_json(), content in ".{0,40}") {
        let key = "01890000-0000-7000-8000-000000000001";
        let params = json!({"key": key, "channelId": "a", "content": content, "metadata": {"x": metadata}});
        let frame = json!({"id": 1, "method": "message.send", "params": params}).to_string();
        let Ok(ClientFrame::Request { request: Request::SendMessage(send), .. }) = ClientFrame::decode(&frame) else {
            return Err(TestCaseError::fail("the frame was refused"));
        };
        prop_assert_eq!(send.content, content);
        let expected = json!({"x": metadata}).to_string();
        prop_assert_eq!(send.metadata.map(|raw| raw.get().to_owned()), Some(expected));
    }

    #[test]
    fn ids_are_read_as_they_are_written(bytes in any::<[u8; 16]>(), text in "\\PC{1,32}") {
        let id = Uuid::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse::<Uuid>(), Ok(id));
        if let Ok(channel) = text.parse::<ChannelId>() {
            prop_assert_eq!(channel.as_str(), text);
        }
    }

    #[test]
    fn every_close_code_leads_somewhere(code in any::<u16>()) {
        let _ = CloseCode::reconnect_after(code);
    }
}
