//! `authToken`: a string, or a function that gives one or a promise of one.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, prelude::*};

use super::js::text;

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

    /// Asks for a token; see [`read`].
    pub(super) fn ask(&self) -> Promise {
        match self {
            Self::Fixed(token) => Promise::resolve(&JsValue::from(token)),
            Self::Function(function) => match function.call0(&JsValue::UNDEFINED) {
                Ok(token) => Promise::resolve(&token),
                Err(error) => Promise::reject(&error),
            },
        }
    }
}

/// A token, or why there is none. One that was given as a string is for the gateway to judge.
pub(super) fn read(answer: Result<JsValue, JsValue>, given: bool) -> Result<String, String> {
    let why = match answer {
        Ok(token) => match token.as_string() {
            Some(token) if given || is_token(&token) => return Ok(token),
            Some(_) => "gave a string that is no token",
            None => "gave no string",
        },
        Err(error) => {
            let message = text(&error, "message").or_else(|| error.as_string());
            return Err(message.unwrap_or_else(|| "failed".into()));
        }
    };
    Err(why.into())
}

/// Whether a text can stand in an `Authorization` header; an error page, say, cannot.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
