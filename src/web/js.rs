//! Reads and creates JavaScript values. One binding serves every key: one for each would be larger than the
//! code around it.

use wasm_bindgen::{JsCast, prelude::*};

use crate::core::Payload;

#[wasm_bindgen]
extern "C" {
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

/// The number at a key.
pub(super) fn number(value: &JsValue, key: &str) -> Option<f64> {
    field(value, key).as_f64()
}

/// The elements of an array, or of an array-like object.
pub(super) fn elements(list: &JsValue) -> impl Iterator<Item = JsValue> {
    (0..list.length().unwrap_or_default()).map(|index| element(list, index))
}

/// An element of an array-like object.
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

impl Payload for JsValue {
    fn field(&self, key: &str) -> Option<Self> {
        let value = field(self, key);
        (!value.is_undefined() && !value.is_null()).then_some(value)
    }

    fn string(&self) -> Option<String> {
        self.as_string()
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn is_true(&self) -> bool {
        self.is_truthy()
    }

    fn length(&self) -> Option<u32> {
        number(self, "length").map(|length| length as u32)
    }

    fn element(&self, index: u32) -> Option<Self> {
        Some(element(self, index))
    }
}
