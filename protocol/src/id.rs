//! Identifiers, parsed once and valid from then on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Maximum length of a channel id, in bytes of UTF-8.
const CHANNEL_ID_BYTES: usize = 128;

/// A channel's name as the app chose it: 1 to 128 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(Box<str>);

impl ChannelId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stands for the caller's own log where subscriptions are named: the empty text, which is no channel's id.
    pub fn own() -> Self {
        Self("".into())
    }

    /// Whether it is [`ChannelId::own`].
    pub fn is_own(&self) -> bool {
        self.0.is_empty()
    }

    /// What a subscription is named by: a channel's id, or [`ChannelId::own`].
    ///
    /// # Errors
    /// Those of an id that is not empty.
    pub fn of_log(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            Ok(Self::own())
        } else {
            text.parse()
        }
    }

    /// The same, for serde.
    #[cfg(feature = "json")]
    pub(crate) fn deserialize_log<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        Self::of_log(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Maximum length of a user id, in characters.
const USER_ID_CHARS: usize = 128;

/// The app's own id of a user: 1 to 128 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(std::sync::Arc<str>);

impl UserId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a valid identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidId {
    /// It is empty.
    Empty,
    /// More than 128 bytes.
    TooLong,
    /// More than 128 characters.
    TooManyCharacters,
    /// A control character, such as a line break.
    ControlCharacter,
    /// Not of the form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in hexadecimal.
    NotAUuid,
}

impl InvalidId {
    /// What the identifier must be.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "must not be empty",
            Self::TooLong => "must be at most 128 bytes",
            Self::TooManyCharacters => "must have 1 to 128 characters",
            Self::ControlCharacter => "must not contain control characters",
            Self::NotAUuid => "must be a UUID",
        }
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for InvalidId {}

impl FromStr for ChannelId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            Err(InvalidId::Empty)
        } else if text.len() > CHANNEL_ID_BYTES {
            Err(InvalidId::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(InvalidId::ControlCharacter)
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl FromStr for UserId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            Err(InvalidId::Empty)
        } else if text.chars().count() > USER_ID_CHARS {
            Err(InvalidId::TooManyCharacters)
        } else if text.chars().any(char::is_control) {
            Err(InvalidId::ControlCharacter)
        } else {
            Ok(Self(text.into()))
        }
    }
}

/// A UUID of any version, in the canonical lower-case form. Messages, files and idempotency keys
/// use UUIDv7, whose text sorts by time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// A UUIDv7 (RFC 9562) from Unix time in milliseconds and ten random bytes.
    pub fn v7(unix_ms: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&unix_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }

    /// From its sixteen bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<Uuid> for String {
    fn from(id: Uuid) -> Self {
        const HEX: &str = "0123456789abcdef";
        let mut text = String::with_capacity(36);
        for (index, byte) in id.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text += "-";
            }
            for digit in [usize::from(byte >> 4), usize::from(byte & 15)] {
                text.push_str(HEX.get(digit..=digit).unwrap_or_default());
            }
        }
        text
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl FromStr for Uuid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return Err(InvalidId::NotAUuid);
        }
        let mut bytes = [0u8; 16];
        let mut digits = 0;
        for (index, &character) in text.iter().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if character != b'-' {
                    return Err(InvalidId::NotAUuid);
                }
                continue;
            }
            let digit = match character {
                b'0'..=b'9' => character - b'0',
                b'a'..=b'f' => character - b'a' + 10,
                b'A'..=b'F' => character - b'A' + 10,
                _ => return Err(InvalidId::NotAUuid),
            };
            bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
            digits += 1;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for ChannelId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from(*self))
    }
}

macro_rules! parsed {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(de::Error::custom)
            }
        }
    };
}

parsed!(ChannelId);
parsed!(UserId);
parsed!(Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_ids_are_bounded_text_without_controls() {
        assert!("alpha".parse::<ChannelId>().is_ok());
        assert!("канал / 频道 🚀".parse::<ChannelId>().is_ok());
        assert_eq!("".parse::<ChannelId>(), Err(InvalidId::Empty));
        assert_eq!(
            "a\nb".parse::<ChannelId>(),
            Err(InvalidId::ControlCharacter)
        );
        assert!("x".repeat(128).parse::<ChannelId>().is_ok());
        assert_eq!(
            "x".repeat(129).parse::<ChannelId>(),
            Err(InvalidId::TooLong)
        );
    }

    #[test]
    fn only_what_names_a_subscription_may_be_the_own_log() {
        let own = ChannelId::own();
        assert!(own.is_own());
        assert_eq!(ChannelId::of_log(""), Ok(own));
        assert_eq!(ChannelId::of_log("a"), "a".parse());
        assert_eq!(ChannelId::of_log("\n"), Err(InvalidId::ControlCharacter));
        assert!(!"a".parse::<ChannelId>().unwrap().is_own());
    }

    #[test]
    fn uuid_text_round_trips_in_lower_case() {
        let text = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";
        assert_eq!(text.parse::<Uuid>().unwrap().to_string(), text);
        assert_eq!(
            text.to_uppercase().parse::<Uuid>().unwrap().to_string(),
            text
        );
        for wrong in [
            "",
            "8e8a4e05",
            "8e8a4e05-12e3-43b5-882e-d9711426f8eg",
            "8e8a4e0-512e3-43b5-882e-d9711426f8e3",
        ] {
            assert_eq!(wrong.parse::<Uuid>(), Err(InvalidId::NotAUuid), "{wrong}");
        }
    }

    #[test]
    fn uuid_v7_carries_time_version_and_variant() {
        let id = Uuid::v7(0x0123_4567_89ab, [0xff; 10]).to_string();
        assert_eq!(id, "01234567-89ab-7fff-bfff-ffffffffffff");
        assert!(Uuid::v7(1, [0xff; 10]) < Uuid::v7(2, [0; 10]));
    }
}
