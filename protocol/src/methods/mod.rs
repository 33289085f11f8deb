//! Parameters and results of the methods, a file for each feature. [`crate::registry`] lists them.

pub mod auth;
pub mod counts;
pub mod delete;
pub mod history;
pub mod reads;
pub mod send;
pub mod subscribe;
pub mod typing;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

/// Any JSON object, kept exactly.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct JsonObject(Box<RawValue>);

impl JsonObject {
    /// The object as JSON text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl Default for JsonObject {
    /// `{}`
    fn default() -> Self {
        Self(RawValue::from_string("{}".to_owned()).expect("{} is valid JSON"))
    }
}

impl From<JsonObject> for Box<RawValue> {
    fn from(object: JsonObject) -> Self {
        object.0
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        if value.get().starts_with('{') {
            Ok(Self(value))
        } else {
            Err(de::Error::custom("must be an object"))
        }
    }
}

/// Reads `metadata`; the error names it.
pub(crate) fn metadata<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<JsonObject>, D::Error> {
    Option::deserialize(deserializer)
        .map_err(|error| de::Error::custom(format_args!("metadata: {error}")))
}

/// The result of a method that returns nothing: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}
