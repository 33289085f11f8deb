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

/// What follows the last slash.
pub(crate) fn last_segment(path: &str) -> &str {
    let start = path.bytes().rposition(|byte| byte == b'/');
    start.map_or(path, |start| path.get(start + 1..).unwrap_or_default())
}

/// A number in decimal digits.
#[inline(never)]
pub(crate) fn digits(number: u64) -> String {
    number.to_string()
}
