//! Arguments of the calls: read by hand, so that an error names the argument and says what it was.

use std::str::FromStr;

use alo_protocol::{ChannelId, ErrorCode, InvalidId, Uuid};
use js_sys::{Array, JsString, Object};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{AbortSignal, File};

use super::{envelope::object, frame::json_stringify};
use crate::core::{Draft, Error};

#[wasm_bindgen]
extern "C" {
    type Arguments;
    #[wasm_bindgen(method, getter, js_name = channelId)]
    fn channel_id(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = channelIds)]
    fn channel_ids(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn content(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn metadata(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = parentId)]
    fn parent_id(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn files(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn file(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn id(this: &Arguments) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &Arguments) -> JsValue;

}

/// `sendMessage({…})`
pub(super) struct SendArguments {
    pub(super) draft: Draft<JsValue>,
    pub(super) files: Vec<File>,
    pub(super) signal: Option<AbortSignal>,
}

/// Reads the argument of `sendMessage`.
pub(super) fn send_message(value: &JsValue) -> Result<SendArguments, Error> {
    let arguments = arguments(value)?;
    let channel = id("channelId", &arguments.channel_id())?;
    let content = arguments.content();
    if !content.is_string() {
        return Err(wrong("content", "must be a string", &content));
    }
    let parent = arguments.parent_id();
    let parent = if parent.is_null() || parent.is_undefined() {
        None
    } else {
        Some(id::<Uuid>("parentId", &parent)?)
    };
    let body = body(content, arguments.metadata())?;
    let body_bytes = wire_bytes(&body);
    Ok(SendArguments {
        draft: Draft {
            channel,
            parent,
            body: body.into(),
            body_bytes,
        },
        files: files(&arguments.files())?,
        signal: signal(&arguments.signal())?,
    })
}

/// Reads the argument of `subscribe` and `unsubscribe`.
pub(super) fn channel_ids(value: &JsValue) -> Result<Vec<ChannelId>, Error> {
    let list = arguments(value)?.channel_ids();
    let Some(array) = list.dyn_ref::<Array>() else {
        return Err(wrong("channelIds", "must be an array of strings", &list));
    };
    if array.length() == 0 {
        return Err(invalid("channelIds: must name at least one channel"));
    }
    let mut ids: Vec<ChannelId> = Vec::new();
    for (index, value) in array.iter().enumerate() {
        let id = id(&format!("channelIds[{index}]"), &value)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Reads the argument of `downloadFile`: the file's id and the signal.
pub(super) fn download_file(value: &JsValue) -> Result<(Uuid, Option<AbortSignal>), Error> {
    let arguments = arguments(value)?;
    let file = arguments.file();
    if !file.is_object() {
        return Err(wrong("file", "must be a file of a message", &file));
    }
    let file: &Arguments = file.unchecked_ref();
    Ok((id("file.id", &file.id())?, signal(&arguments.signal())?))
}

fn arguments(value: &JsValue) -> Result<&Arguments, Error> {
    if value.is_object() {
        Ok(value.unchecked_ref())
    } else {
        Err(wrong("the argument", "must be an object", value))
    }
}

fn id<T: FromStr<Err = InvalidId>>(name: &str, value: &JsValue) -> Result<T, Error> {
    let text = value
        .as_string()
        .ok_or_else(|| wrong(name, "must be a string", value))?;
    text.parse()
        .map_err(|error| invalid(&format!("{name}: {error}")))
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
        invalid(&format!(
            "metadata: cannot be written as JSON; {}",
            reason.unwrap_or_default()
        ))
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
    // A FileList is iterable, and so is an array; a string is too, but holds no files.
    let items = js_sys::try_iter(value)
        .ok()
        .flatten()
        .ok_or_else(|| wrong("files", "must be an array of File objects", value))?;
    items
        .enumerate()
        .map(|(index, item)| {
            let item = item.map_err(|_| invalid("files: could not be read"))?;
            item.dyn_into()
                .map_err(|item| wrong(&format!("files[{index}]"), "must be a File", &item))
        })
        .collect()
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

fn wrong(name: &str, rule: &str, value: &JsValue) -> Error {
    let what = if value.is_null() {
        "null".to_owned()
    } else if Array::is_array(value) {
        "an array".to_owned()
    } else {
        value.js_typeof().as_string().unwrap_or_default()
    };
    invalid(&format!("{name}: {rule}, but is {what}"))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}
