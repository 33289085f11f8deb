//! Earlier messages of a channel, page by page.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::{ChannelId, Cursor, Uuid};

/// The default number of messages of a page.
pub const DEFAULT_LIMIT: u32 = 100;
/// The maximum number of messages of a page.
pub const MAX_LIMIT: u32 = 1_000;

/// Parameters of `history`: without a token the newest page. At most one token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The channel.
    pub channel_id: ChannelId,
    /// Maximum number of messages, 1 to 1,000. Default: 100.
    #[serde(default = "default_limit")]
    pub limit: u32,
    /// From an earlier page: continue towards the oldest message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_page_token: Option<OlderPageToken>,
    /// From an earlier page: continue towards the newest message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_page_token: Option<NewerPageToken>,
}

/// Parameters of `history.around`: a message with the messages before and after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryAround {
    /// The channel.
    pub channel_id: ChannelId,
    /// The message in the middle.
    pub message_id: Uuid,
    /// Maximum number of messages on each side, 1 to 1,000. Default: 100.
    #[serde(default = "default_limit")]
    pub limit: u32,
}

/// Result of `history` and `history.around`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    /// Newest to oldest. There may be more although these are fewer than the limit: check the tokens.
    pub messages: Vec<Box<RawValue>>,
    /// Present when there are older messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_page_token: Option<OlderPageToken>,
    /// Present when there are newer messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_page_token: Option<NewerPageToken>,
    /// The page reflects all events of the log up to this one, and none after it.
    pub cursor: Cursor,
}

const fn default_limit() -> u32 {
    DEFAULT_LIMIT
}

/// Why a text is not a valid page token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPageToken {
    expected: &'static str,
}

impl fmt::Display for InvalidPageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be the {} of an earlier page", self.expected)
    }
}

impl std::error::Error for InvalidPageToken {}

macro_rules! page_token {
    ($(#[doc = $doc:literal])* $type:ident $prefix:literal $name:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $type(pub Uuid);

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $type {
            type Err = InvalidPageToken;

            fn from_str(text: &str) -> Result<Self, InvalidPageToken> {
                text.strip_prefix($prefix)
                    .and_then(from_hex)
                    .map(Self)
                    .ok_or(InvalidPageToken { expected: $name })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse()
                    .map_err(|error| de::Error::custom(format_args!(concat!($name, ": {}"), error)))
            }
        }
    };
}

page_token! {
    /// Continues before this message. Opaque to clients; valid for as long as the message lives.
    OlderPageToken "o1" "olderPageToken"
}
page_token! {
    /// Continues after this message. Opaque to clients; valid for as long as the message lives.
    NewerPageToken "n1" "newerPageToken"
}

fn from_hex(text: &str) -> Option<Uuid> {
    let digits = text.as_bytes();
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (
            char::from(pair[0]).to_digit(16)?,
            char::from(pair[1]).to_digit(16)?,
        );
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_is_read_back_and_only_for_its_own_direction() {
        let id = Uuid::v7(1_700_000_000_000, [7; 10]);
        let older = OlderPageToken(id).to_string();
        assert_eq!(older.parse(), Ok(OlderPageToken(id)));
        assert!(older.parse::<NewerPageToken>().is_err());
        for broken in [
            "",
            "o1",
            "o1zz",
            &older[..20],
            &format!("{older}0"),
            "é".repeat(17).as_str(),
        ] {
            assert!(broken.parse::<OlderPageToken>().is_err(), "{broken}");
        }
    }

    #[test]
    fn a_broken_token_is_named() {
        let text = r#"{"channelId":"a","olderPageToken":"x"}"#;
        let error = serde_json::from_str::<History>(text).unwrap_err();
        assert!(
            error.to_string().starts_with("olderPageToken: must be"),
            "{error}"
        );
    }
}
