//! What the shell reads of JavaScript values and makes of them. One binding serves every key: one for
//! each would weigh more than the code around it. Only the fields of events, read for every push, have
//! bindings of their own.

use wasm_bindgen::{JsCast, prelude::*};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    pub(super) fn json_parse(text: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = JSON, js_name = stringify, catch)]
    pub(super) fn json_stringify(value: &JsValue) -> Result<JsValue, JsValue>;

    type Keyed;
    #[wasm_bindgen(method, structural, indexing_getter)]
    fn get(this: &Keyed, key: &str) -> JsValue;
    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set(this: &Keyed, key: &str, value: &JsValue);

    type List;
    #[wasm_bindgen(method, structural, indexing_getter)]
    fn get(this: &List, index: u32) -> JsValue;
}

/// The value of a key; `undefined` when there is none, or no object.
pub(super) fn field(value: &JsValue, key: &str) -> JsValue {
    if value.is_object() {
        value.unchecked_ref::<Keyed>().get(key)
    } else {
        JsValue::UNDEFINED
    }
}

/// Sets the value of a key of an object.
pub(super) fn set(object: &JsValue, key: &str, value: &JsValue) {
    object.unchecked_ref::<Keyed>().set(key, value);
}

/// The string at a key.
pub(super) fn text(value: &JsValue, key: &str) -> Option<String> {
    field(value, key).as_string()
}

/// A string; empty if the value is none.
pub(super) fn text_of(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

/// The number at a key.
pub(super) fn number(value: &JsValue, key: &str) -> Option<f64> {
    field(value, key).as_f64()
}

/// The length of an array, or of what is like one, as a `FileList`.
pub(super) fn length(value: &JsValue) -> Option<u32> {
    number(value, "length").map(|length| length as u32)
}

/// An element of what has a [`length`].
pub(super) fn element(list: &JsValue, index: u32) -> JsValue {
    list.unchecked_ref::<List>().get(index)
}

/// A plain object with these keys.
pub(super) fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object: JsValue = js_sys::Object::new().into();
    for (key, value) in entries {
        object.unchecked_ref::<Keyed>().set(key, value);
    }
    object
}
