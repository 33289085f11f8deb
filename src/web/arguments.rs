//! Arguments of the calls: read by hand, so that an error names the argument and says what it was.

use std::str::FromStr;

use alo_protocol::{ChannelId, ErrorCode, InvalidId, Uuid};
use js_sys::{Array, JsString, Object};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{AbortSignal, File};

use super::js::{element, field, json_stringify, length, object};
use crate::core::{
    Draft, Error,
    text::{concat, digits},
};

/// `sendMessage({…})`
pub(super) struct SendArguments {
    pub(super) draft: Draft<JsValue>,
    pub(super) files: Vec<File>,
    pub(super) signal: Option<AbortSignal>,
}

/// Reads the argument of `sendMessage`.
pub(super) fn send_message(value: &JsValue) -> Result<SendArguments, Error> {
    let arguments = arguments(value)?;
    let channel = id("channelId", &field(arguments, "channelId"))?;
    let content = field(arguments, "content");
    if !content.is_string() {
        return Err(wrong("content", "must be a string", &content));
    }
    let parent = field(arguments, "parentId");
    let parent = if parent.is_null() || parent.is_undefined() {
        None
    } else {
        Some(id::<Uuid>("parentId", &parent)?)
    };
    let body = body(content, field(arguments, "metadata"))?;
    let body_bytes = wire_bytes(&body);
    Ok(SendArguments {
        draft: Draft {
            channel,
            parent,
            body: body.into(),
            body_bytes,
        },
        files: files(&field(arguments, "files"))?,
        signal: signal(&field(arguments, "signal"))?,
    })
}

/// Reads the argument of `subscribe` and `unsubscribe`.
pub(super) fn channel_ids(value: &JsValue) -> Result<Vec<ChannelId>, Error> {
    let list = field(arguments(value)?, "channelIds");
    if !Array::is_array(&list) {
        return Err(wrong("channelIds", "must be an array of strings", &list));
    }
    let length = length(&list).unwrap_or_default();
    if length == 0 {
        return Err(invalid("channelIds: must name at least one channel"));
    }
    let mut ids: Vec<ChannelId> = Vec::new();
    for index in 0..length {
        let id = id(&indexed("channelIds", index), &element(&list, index))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Reads the argument of `downloadFile`: the file's id and the signal.
pub(super) fn download_file(value: &JsValue) -> Result<(Uuid, Option<AbortSignal>), Error> {
    let arguments = arguments(value)?;
    let file = field(arguments, "file");
    if !file.is_object() {
        return Err(wrong("file", "must be a file of a message", &file));
    }
    Ok((
        id("file.id", &field(&file, "id"))?,
        signal(&field(arguments, "signal"))?,
    ))
}

fn arguments(value: &JsValue) -> Result<&JsValue, Error> {
    if value.is_object() {
        Ok(value)
    } else {
        Err(wrong("the argument", "must be an object", value))
    }
}

fn id<T: FromStr<Err = InvalidId>>(name: &str, value: &JsValue) -> Result<T, Error> {
    let malformed = |error: InvalidId| invalid(&concat(&[name, ": ", error.as_str()]));
    string(name, value)?.parse().map_err(malformed)
}

#[inline(never)]
fn string(name: &str, value: &JsValue) -> Result<String, Error> {
    let wrong = || wrong(name, "must be a string", value);
    value.as_string().ok_or_else(wrong)
}

/// Content and metadata as JSON text, taken now: what the caller changes later is not sent.
fn body(content: JsValue, metadata: JsValue) -> Result<JsString, Error> {
    let plain = if metadata.is_undefined() || metadata.is_null() {
        object(&[("content", content)])
    } else {
        if !is_plain_object(&metadata) {
            return Err(wrong("metadata", "must be a plain object", &metadata));
        }
        object(&[("content", content), ("metadata", metadata)])
    };
    let text = json_stringify(&plain).map_err(|error| {
        let reason = error
            .dyn_ref::<js_sys::Error>()
            .map(|error| String::from(error.message()));
        invalid(&concat(&[
            "metadata: cannot be written as JSON; ",
            &reason.unwrap_or_default(),
        ]))
    })?;
    text.dyn_into()
        .map_err(|_| invalid("metadata: cannot be written as JSON"))
}

/// An object of no class. One of another realm (a frame) has that realm's `Object.prototype`, whose own
/// prototype is null.
fn is_plain_object(value: &JsValue) -> bool {
    if !value.is_object() || Array::is_array(value) {
        return false;
    }
    let prototype: JsValue = Object::get_prototype_of(value).into();
    prototype.is_null() || JsValue::from(Object::get_prototype_of(&prototype)).is_null()
}

fn files(value: &JsValue) -> Result<Vec<File>, Error> {
    if value.is_undefined() || value.is_null() {
        return Ok(Vec::new());
    }
    // A string has a length too, but holds no files.
    let length =
        length(value).ok_or_else(|| wrong("files", "must be an array of File objects", value))?;
    let mut files = Vec::new();
    for index in 0..length {
        match element(value, index).dyn_into() {
            Ok(file) => files.push(file),
            Err(item) => return Err(wrong(&indexed("files", index), "must be a File", &item)),
        }
    }
    Ok(files)
}

fn signal(value: &JsValue) -> Result<Option<AbortSignal>, Error> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    value
        .dyn_ref::<AbortSignal>()
        .cloned()
        .map(Some)
        .ok_or_else(|| wrong("signal", "must be an AbortSignal", value))
}

/// An upper bound of the text's bytes in UTF-8, exact where it could matter.
pub(super) fn wire_bytes(text: &JsString) -> u32 {
    const SURELY_SMALL: u32 = 16 * 1024;
    if text.length() < SURELY_SMALL {
        return text.length() * 3;
    }
    u32::try_from(String::from(text).len()).unwrap_or(u32::MAX)
}

fn indexed(name: &str, index: u32) -> String {
    concat(&[name, "[", &digits(u64::from(index)), "]"])
}

fn wrong(name: &str, rule: &str, value: &JsValue) -> Error {
    let what = if value.is_null() {
        "null".to_owned()
    } else if Array::is_array(value) {
        "an array".to_owned()
    } else {
        value.js_typeof().as_string().unwrap_or_default()
    };
    invalid(&concat(&[name, ": ", rule, ", but is ", &what]))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}
