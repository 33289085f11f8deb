//! Texts put together without `core::fmt`, whose machinery weighs more in the module than all texts.

/// The parts, one after the other.
#[inline(never)]
pub(crate) fn concat(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
    }
    text
}

/// A number in decimal digits.
#[inline(never)]
pub(crate) fn digits(number: u64) -> String {
    number.to_string()
}
