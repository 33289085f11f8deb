//! Events that are neither numbered nor kept.

use super::*;
use crate::bus::Signal;

fn signal(channel: &str, except: Option<(&str, &str)>) -> Input<'static> {
    Input::News(News::Signal(Arc::new(Signal {
        log: LogId::Channel(channel.parse().unwrap()),
        text: r#"{"signal":{}}"#.into(),
        except: except.map(|(user, device)| (user.into(), device.into())),
        is_change: false,
    })))
}

/// How many were sent.
fn received(driven: &mut Driven) -> usize {
    let sent = std::mem::take(&mut driven.sent);
    sent.iter()
        .filter(|item| item["signal"].is_object())
        .count()
}

#[test]
fn a_signal_is_sent_while_its_channel_is_subscribed() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.input(signal("b", None));
    assert_eq!(received(&mut driven), 0);
    driven.input(signal("a", None));
    assert_eq!(received(&mut driven), 1);
    // Not before the subscription is answered.
    driven.hold_heads = true;
    driven.frame(&json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": "b"}]}}));
    driven.input(signal("b", None));
    assert_eq!(received(&mut driven), 0);
    driven.read_held_heads();
    driven.input(signal("b", None));
    assert_eq!(received(&mut driven), 1);
    driven.frame(&json!({"id": 2, "method": "unsubscribe", "params": {"channelIds": ["a"]}}));
    driven.input(signal("a", None));
    assert_eq!(received(&mut driven), 0);
}

#[test]
fn a_signal_is_not_sent_to_the_device_it_comes_from() {
    let mut driven = Driven::new();
    let hello = json!({"token": token("ada", &["a"]), "deviceId": "phone"});
    driven.frame(&json!({"hello": hello}));
    driven.resume(&json!([{"id": "a"}]));
    driven.sent.clear();
    driven.input(signal("a", Some(("ada", "phone"))));
    assert_eq!(received(&mut driven), 0);
    for other in [("ada", "desk"), ("bob", "phone")] {
        driven.input(signal("a", Some(other)));
        assert_eq!(received(&mut driven), 1, "{other:?}");
    }
}

#[test]
fn signals_are_dropped_while_the_socket_is_behind_and_events_are_not() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.drains = false;
    for _ in 0..ITEMS {
        driven.input(signal("a", None));
    }
    driven.publish("an event");
    driven.drains = true;
    driven.driver.wrote(driven.now, &mut driven.desk);
    driven.run();
    let signals = driven
        .sent
        .iter()
        .filter(|item| item["signal"].is_object())
        .count();
    assert!((1..=ITEMS / 4).contains(&signals), "{signals}");
    assert_eq!(driven.seqs().len(), 1, "the event comes from the bus");
}

#[test]
fn a_device_is_the_one_of_the_hello_else_the_connection() {
    for device in [Some("phone"), None] {
        let mut driven = Driven::new();
        let mut hello = json!({"token": token("ada", &["a"])});
        if let Some(device) = device {
            hello["deviceId"] = device.into();
        }
        driven.frame(&json!({"hello": hello}));
        let connection = driven.reply()["welcome"]["connectionId"].take();
        driven.frame(&json!({"id": 1, "method": "typing.start", "params": {"channelId": "a"}}));
        assert_eq!(driven.reply()["result"], json!({}));
        let signals = driven.live.take_signals();
        let [News::Signal(signal)] = &signals[..] else {
            panic!("{signals:?}");
        };
        let signal: Value = serde_json::from_str(&signal.text).unwrap();
        let named = &signal["signal"]["event"]["data"]["deviceId"];
        assert_eq!(*named, device.map_or(connection, Value::from));
    }
}
