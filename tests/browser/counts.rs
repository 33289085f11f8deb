//! Counting messages.

use js_sys::eval;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

fn since(channels: &[(&str, JsValue)]) -> JsValue {
    let since = channels.iter().map(|(channel, timestamp)| {
        object(&[
            ("channelId", JsValue::from(*channel)),
            ("timestamp", timestamp.clone()),
        ])
    });
    since.collect::<js_sys::Array>().unchecked_into()
}

#[wasm_bindgen_test]
async fn messages_since_a_time_are_counted_in_both_styles_of_result() {
    let (channel, quiet) = (fresh("counts"), fresh("quiet"));
    let ada = Person::new("ada", &[&channel, &quiet]).await;
    let first = ada.say(&channel, "0").await;
    let before = get(&first, "timestamp");
    let before = before.as_string().expect("digits");
    for number in 1..4 {
        ada.say(&channel, &number.to_string()).await;
    }
    let asked = since(&[(&channel, 0.into()), (&quiet, "0".into())]);
    let counts = settle(ada.chat.message_counts(&asked, &JsValue::UNDEFINED)).await;
    assert_ok(&counts);
    for path in ["channels", "response.channels"] {
        let at = |place: &str| get(&counts, &format!("{path}.{place}"));
        assert_eq!(at("0.id"), JsValue::from(&channel));
        assert_eq!(at("0.count"), JsValue::from(4));
        assert_eq!(at("1.count"), JsValue::from(0));
    }
    // The digits of a message's timestamp.
    let asked = since(&[(&channel, before.into())]);
    let counts = settle(ada.chat.message_counts(&asked, &JsValue::UNDEFINED)).await;
    let count = get(&counts, "channels.0.count").as_f64().expect("a number");
    assert!(count <= 3.0, "{count}");
    let forbidden = since(&[(&fresh("forbidden"), 0.into())]);
    let refused = settle(ada.chat.message_counts(&forbidden, &JsValue::UNDEFINED)).await;
    assert_error(&refused, "channel-forbidden");
    assert!(get(&refused, "channels").is_undefined());
}

#[wasm_bindgen_test]
async fn wrong_lists_of_channels_and_times_are_named() {
    let ada = Person::with_token(&"never-used".into()).await;
    for (argument, name) in [
        ("undefined", "the argument"),
        ("{}", "the argument"),
        ("[7]", "[0]"),
        ("[{timestamp:0}]", "[0].channelId"),
        ("[{channelId:'a'}]", "[0].timestamp"),
        (
            "[{channelId:'a',timestamp:0},{channelId:'b',timestamp:1.5}]",
            "[1].timestamp",
        ),
        ("[{channelId:'a',timestamp:-1}]", "[0].timestamp"),
        ("[{channelId:'a',timestamp:NaN}]", "[0].timestamp"),
        ("[{channelId:'a',timestamp:'yesterday'}]", "[0].timestamp"),
        (
            "[{channelId:'a',get timestamp(){throw 'no'}}]",
            "[0].timestamp",
        ),
    ] {
        let argument = eval(&format!("({argument})")).expect("an expression");
        let result = settle(ada.chat.message_counts(&argument, &JsValue::UNDEFINED)).await;
        let message = assert_error(&result, "invalid-argument");
        assert!(message.starts_with(name), "{name}: {message}");
    }
    for options in ["{signal:7}", "{get signal(){throw 'no'}}"] {
        let options = eval(&format!("({options})")).expect("an expression");
        let result = settle(ada.chat.message_counts(&since(&[]), &options)).await;
        assert!(assert_error(&result, "invalid-argument").starts_with("signal"));
    }
}
