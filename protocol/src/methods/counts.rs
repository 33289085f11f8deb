//! How many messages were sent since a time.

use serde::{Deserialize, Serialize};

use super::subscribe::{Named, few};
use crate::ChannelId;

/// The greatest number that is counted: it means so many or more.
pub const MAX_COUNT: u32 = 10_000;

/// Parameters of `counts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageCounts {
    /// At most 100, each once.
    #[serde(deserialize_with = "few")]
    pub channels: Vec<ChannelSince>,
}

/// A channel, and the time after which its messages count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelSince {
    /// The channel.
    pub channel_id: ChannelId,
    /// Unix milliseconds. A message of this very time does not count.
    pub timestamp: u64,
}

/// Result of `counts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// One for each channel of the request, in its order.
    pub channels: Vec<ChannelCount>,
}

/// The messages of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelCount {
    /// The channel.
    pub id: ChannelId,
    /// Messages sent since, without deleted ones; 10,000 means so many or more.
    pub count: u32,
}

impl Named for ChannelSince {
    const LIST: &'static str = "channels";

    fn channel(&self) -> &ChannelId {
        &self.channel_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_time_is_named_and_a_channel_counts_once() {
        let refusal = |text: &str| {
            let error = serde_json::from_str::<MessageCounts>(text).unwrap_err();
            error.to_string()
        };
        for time in ["-1", "1.5", r#""5""#, "null", "1e30"] {
            let text = format!(r#"{{"channels":[{{"channelId":"a","timestamp":{time}}}]}}"#);
            let refusal = refusal(&text);
            assert!(refusal.contains("invalid"), "{refusal}");
        }
        let one = r#"{"channelId":"a","timestamp":0}"#;
        let twice = refusal(&format!(r#"{{"channels":[{one},{one}]}}"#));
        assert!(twice.starts_with("channels: a is named twice"), "{twice}");
    }
}
