//! Frames as text, on the client's side. The client's own codec reads and writes them; what stands here is
//! what the JavaScript of the shell does: take frames apart, and pushes among their items.

use std::{fmt, ops::Range, rc::Rc};

use alo_chat::core::{
    Frame, Incoming, Payload as Look,
    codec::{self, Text},
};
use alo_protocol::ChannelId;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::oracle::Tag;

/// A JSON value as it stands in a frame, or the open body of a request: text, read only where it is looked
/// into.
#[derive(Clone)]
pub struct Payload {
    text: Rc<str>,
    range: Range<usize>,
}

impl Payload {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text[self.range.clone()]
    }

    /// A part of it.
    fn part(&self, part: &str) -> Self {
        self.range_of(part).map_or_else(
            || part.to_owned().into(),
            |range| Self {
                text: self.text.clone(),
                range,
            },
        )
    }

    /// Where a text that was borrowed from this one stands.
    fn range_of(&self, part: &str) -> Option<Range<usize>> {
        let start = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let range = start..start + part.len();
        self.text.get(range.clone()).map(|_| range)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::from(Rc::<str>::from(text))
    }
}

impl From<Rc<str>> for Payload {
    fn from(text: Rc<str>) -> Self {
        let range = 0..text.len();
        Self { text, range }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Look for Payload {
    fn field(&self, key: &str) -> Option<Self> {
        let mut found = None;
        let find = Find {
            key,
            found: &mut found,
        };
        // What follows the key is not read, which is an error to serde; the text was checked on arrival.
        let _ = serde_json::Deserializer::from_str(self.as_str()).deserialize_map(find);
        found.map(|value| self.part(value))
    }

    fn string(&self) -> Option<String> {
        serde_json::from_str(self.as_str()).ok()
    }

    fn number(&self) -> Option<f64> {
        serde_json::from_str(self.as_str()).ok()
    }

    fn is_true(&self) -> bool {
        self.as_str() == "true"
    }

    fn length(&self) -> Option<u32> {
        let list: Vec<IgnoredAny> = serde_json::from_str(self.as_str()).ok()?;
        u32::try_from(list.len()).ok()
    }

    fn element(&self, index: u32) -> Option<Self> {
        let list: Vec<&RawValue> = serde_json::from_str(self.as_str()).ok()?;
        let element = list.get(usize::try_from(index).ok()?)?;
        Some(self.part(element.get()))
    }
}

/// Reads an object up to the value of a key.
struct Find<'k, 'f, 'de> {
    key: &'k str,
    found: &'f mut Option<&'de str>,
}

impl<'de> Visitor<'de> for Find<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_it) = map.next_key_seed(Is(self.key))? {
            if is_it {
                *self.found = Some(map.next_value::<&RawValue>()?.get());
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Whether a key is this one.
struct Is<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// The frame as it goes over the wire.
pub fn encode(frame: &Frame<Payload>) -> String {
    let Text {
        head: mut text,
        body,
        tail,
    } = codec::encode(frame);
    if let Some(body) = body {
        text.push_str(body.as_str());
    }
    text.push_str(&tail);
    text
}

/// One item from the gateway.
#[derive(Debug)]
pub struct Item {
    all: Payload,
    push: Option<Push>,
}

/// The parts of an item that is an event of a channel.
#[derive(Debug)]
struct Push {
    channel: Range<usize>,
    epoch: Range<usize>,
    seq: u64,
    event: Range<usize>,
}

#[derive(Deserialize)]
struct PushText<'a> {
    channel: &'a str,
    epoch: &'a str,
    seq: u64,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The items of a frame.
///
/// # Errors
/// When it is no JSON.
pub fn items(text: impl Into<Rc<str>>) -> serde_json::Result<Vec<Item>> {
    let all = Payload::from(text.into());
    if all.as_str().starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(all.as_str())?;
        Ok(list
            .into_iter()
            .map(|item| Item::read(all.part(item.get())))
            .collect())
    } else {
        let item = Item::read(all);
        if item.push.is_none() {
            serde_json::from_str::<IgnoredAny>(item.all.as_str())?;
        }
        Ok(vec![item])
    }
}

/// Whether a frame holds events and nothing else.
pub(crate) fn is_events(text: &Rc<str>) -> bool {
    items(text.clone()).is_ok_and(|items| items.iter().all(|item| item.is_of_log()))
}

/// The message a request asks to send, and where.
pub(crate) fn asked_to_send(text: &str) -> Option<(ChannelId, Tag)> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        params: Params<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Params<'a> {
        channel_id: ChannelId,
        content: &'a str,
    }
    let asked: Asked<'_> = serde_json::from_str(text).ok()?;
    Some((asked.params.channel_id, Tag::parse(asked.params.content)?))
}

impl Item {
    fn read(all: Payload) -> Self {
        #[derive(Deserialize)]
        struct Signal<'a> {
            #[serde(borrow)]
            signal: Parts<'a>,
        }
        #[derive(Deserialize)]
        struct Parts<'a> {
            channel: &'a str,
            #[serde(borrow)]
            event: &'a RawValue,
        }
        let push = serde_json::from_str::<PushText<'_>>(all.as_str())
            .ok()
            .and_then(|push| {
                Some(Push {
                    channel: all.range_of(push.channel)?,
                    epoch: all.range_of(push.epoch)?,
                    seq: push.seq,
                    event: all.range_of(push.event.get())?,
                })
            });
        let signal = || {
            let Signal { signal } = serde_json::from_str(all.as_str()).ok()?;
            Some(Push {
                channel: all.range_of(signal.channel)?,
                epoch: 0..0,
                seq: 0,
                event: all.range_of(signal.event.get())?,
            })
        };
        let push = push.or_else(signal);
        Self { all, push }
    }

    /// Whether it has a place in a log: what is lost of those is noticed.
    fn is_of_log(&self) -> bool {
        self.push.as_ref().is_some_and(|push| push.seq > 0)
    }

    /// As the core takes it; `None` for what the protocol does not know.
    pub fn incoming(&self) -> Option<Incoming<'_, Payload>> {
        let Some(push) = &self.push else {
            return codec::decode(&self.all);
        };
        let text = &self.all.text;
        Some(Incoming::Push {
            channel: &text[push.channel.clone()],
            epoch: &text[push.epoch.clone()],
            seq: push.seq,
            event: Payload {
                text: text.clone(),
                range: push.event.clone(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_looked_into_where_it_stands() {
        let text = r#"{"a": {"b": [1, "two", true, {"id": "\u0041"}]}, "after": null}"#;
        let list = Payload::from(text.to_owned())
            .field("a")
            .and_then(|a| a.field("b"));
        let list = list.expect("it is there");
        assert_eq!(list.length(), Some(4));
        let element = |index| list.element(index).expect("it is there");
        assert_eq!(element(0).number(), Some(1.0));
        assert_eq!(element(1).string().as_deref(), Some("two"));
        assert!(element(2).is_true() && !element(1).is_true());
        let id = element(3).field("id").and_then(|id| id.string());
        assert_eq!(id.as_deref(), Some("A"));
        assert!(list.element(4).is_none() && list.field("a").is_none());
        assert!(element(0).string().is_none() && element(1).number().is_none());
    }

    #[test]
    fn a_frame_of_many_items_is_taken_apart() {
        let push = r#"{"channel":"a","epoch":"e","seq":3,"event":{"type":"message.new"}}"#;
        let items = items(format!(r#"[{push},{{"pong":1}},{{"later":2}}]"#)).expect("it is JSON");
        assert!(matches!(
            items[0].incoming(),
            Some(Incoming::Push { channel: "a", epoch: "e", seq: 3, event })
                if event.as_str() == r#"{"type":"message.new"}"#
        ));
        assert!(matches!(items[1].incoming(), Some(Incoming::Pong)));
        assert!(items[2].incoming().is_none());
        assert!(is_events(&push.into()) && !is_events(&r#"{"pong":1}"#.into()));
        assert!(super::items(r#"{"pong":"#).is_err());
    }
}
