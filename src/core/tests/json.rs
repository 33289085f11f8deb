//! A payload for tests.

use serde_json::Value;

use crate::core::Payload;

/// A JSON value; the body of a request, which is no value, stands here as a string.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Json(pub(super) Value);

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Payload for Json {
    fn field(&self, key: &str) -> Option<Self> {
        self.0.get(key).cloned().map(Self)
    }

    fn string(&self) -> Option<String> {
        self.0.as_str().map(str::to_owned)
    }

    fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    fn is_true(&self) -> bool {
        self.0 == Value::Bool(true)
    }

    fn length(&self) -> Option<u32> {
        self.0.as_array().map(|list| list.len() as u32)
    }

    fn element(&self, index: u32) -> Option<Self> {
        self.0.get(index as usize).cloned().map(Self)
    }
}
