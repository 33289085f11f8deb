//! Subscribing to channels, and leaving them.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, SeqAccess, Visitor},
};

use crate::{ChannelId, ChannelStart, Cursor, ErrorBody, GapReason, REQUEST_CHANNELS};

/// Parameters of `subscribe`. All channels or none: one forbidden channel fails the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribe {
    /// What to subscribe to, each with a cursor if known.
    #[serde(deserialize_with = "few")]
    pub channels: Vec<ChannelStart>,
}

/// Parameters of `resume`: the subscriptions of an earlier connection. Each is answered separately.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resume {
    /// What to continue, each from its cursor.
    #[serde(deserialize_with = "few")]
    pub channels: Vec<ChannelStart>,
}

/// Result of `subscribe` and `resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribed {
    /// One for each channel of the request, in its order.
    pub channels: Vec<Recovery>,
}

/// Parameters of `unsubscribe`; its result is `{}`. Unknown channels are no error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsubscribe {
    /// The channels to leave.
    #[serde(deserialize_with = "few_ids")]
    pub channel_ids: Vec<ChannelId>,
}

/// Where a subscription starts. The next push of the channel has `cursor.seq + 1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The channel, or the caller's own log.
    #[serde(deserialize_with = "ChannelId::deserialize_log")]
    pub id: ChannelId,
    /// The client's own cursor if every event after it follows, else the head of the log. Absent with `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Set when events after the client's cursor are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapReason>,
    /// Set when the channel may no longer be read; it is not subscribed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// What names a channel in a list.
pub(super) trait Named {
    /// The list's key.
    const LIST: &'static str;
    fn channel(&self) -> &ChannelId;
}

impl Named for ChannelId {
    const LIST: &'static str = "channelIds";

    fn channel(&self) -> &Self {
        self
    }
}

impl Named for ChannelStart {
    const LIST: &'static str = "channels";

    fn channel(&self) -> &ChannelId {
        &self.id
    }
}

/// The id of a channel, or the one of the caller's own log.
#[derive(Deserialize)]
#[serde(transparent)]
struct LogName(#[serde(deserialize_with = "ChannelId::deserialize_log")] ChannelId);

impl Named for LogName {
    const LIST: &'static str = "channelIds";

    fn channel(&self) -> &ChannelId {
        &self.0
    }
}

/// Reads a list that names each channel once and not too many. It stops at the first that is wrong, so that a list of
/// any length costs no more than one of the greatest length allowed.
pub(super) fn few<'de, T: Named + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Few(PhantomData))
}

/// The same for mere ids.
fn few_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ChannelId>, D::Error> {
    let names = few::<LogName, D>(deserializer)?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

struct Few<T>(PhantomData<T>);

impl<'de, T: Named + Deserialize<'de>> Visitor<'de> for Few<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of channels in {}", T::LIST)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut few: Vec<T> = Vec::new();
        while let Some(one) = list.next_element::<T>()? {
            let (key, id) = (T::LIST, one.channel());
            if few.iter().any(|before| before.channel() == id) {
                return Err(de::Error::custom(format_args!(
                    "{key}: {id} is named twice"
                )));
            }
            if few.len() == REQUEST_CHANNELS {
                return Err(de::Error::custom(format_args!(
                    "{key}: a request may name {REQUEST_CHANNELS} channels"
                )));
            }
            few.push(one);
        }
        Ok(few)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: for<'de> Deserialize<'de> + fmt::Debug>(text: &str) -> String {
        serde_json::from_str::<T>(text)
            .expect_err("it is refused")
            .to_string()
    }

    #[test]
    fn a_list_names_each_channel_once() {
        let channels = r#"{"channels":[{"id":"a"},{"id":"b"},{"id":"a"}]}"#;
        for refusal in [
            refusal::<Subscribe>(channels),
            refusal::<Resume>(channels),
            refusal::<Unsubscribe>(r#"{"channelIds":["a","b","a"]}"#),
        ] {
            assert!(refusal.contains(": a is named twice"), "{refusal}");
        }
    }

    #[test]
    fn a_list_of_any_length_is_read_up_to_the_limit() {
        let list = |count: usize| {
            let ids: Vec<_> = (0..count).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
            format!(r#"{{"channels":[{}]}}"#, ids.join(","))
        };
        let most: Subscribe = serde_json::from_str(&list(REQUEST_CHANNELS)).expect("it is read");
        assert_eq!(most.channels.len(), REQUEST_CHANNELS);
        // What stands behind the first that is too many is not looked at.
        let long = list(REQUEST_CHANNELS + 1).replace("]}", ",{\"id\":7}");
        let refusal = refusal::<Subscribe>(&long);
        assert!(
            refusal.starts_with("channels: a request may name 100 channels"),
            "{refusal}"
        );
    }
}
