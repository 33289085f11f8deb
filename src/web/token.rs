//! `authToken`: a string, or a function that gives one or a promise of one.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;

/// Where tokens come from.
pub(super) enum TokenSource {
    Fixed(String),
    Function(Function),
}

impl TokenSource {
    /// Reads the option, which the package's JavaScript has checked.
    pub(super) fn new(value: &JsValue) -> Option<Self> {
        match value.as_string() {
            Some(token) => Some(Self::Fixed(token)),
            None => value.dyn_ref::<Function>().cloned().map(Self::Function),
        }
    }

    pub(super) const fn is_renewable(&self) -> bool {
        matches!(self, Self::Function(_))
    }

    /// A token, or why there is none.
    pub(super) async fn fetch(&self) -> Result<String, String> {
        let token = match self {
            Self::Fixed(token) => return Ok(token.clone()),
            Self::Function(function) => match function.call0(&JsValue::UNDEFINED) {
                Ok(token) => JsFuture::from(Promise::resolve(&token)).await,
                Err(error) => Err(error),
            },
        };
        match token {
            Ok(token) => match token.as_string() {
                Some(token) if is_token(&token) => Ok(token),
                Some(_) => Err("gave a string that is no token".to_owned()),
                None => Err("gave no string".to_owned()),
            },
            Err(error) => Err(match error.dyn_ref::<js_sys::Error>() {
                Some(error) => String::from(error.message()),
                None => error.as_string().unwrap_or_else(|| "failed".to_owned()),
            }),
        }
    }
}

/// Whether a text can stand in an `Authorization` header; an error page, say, cannot.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
