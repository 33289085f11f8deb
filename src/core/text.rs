//! Builds texts without `core::fmt`, whose code is larger in the module than all texts together.

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

/// Appends a JSON string.
pub(crate) fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => {
                text.push('\\');
                text.push(character);
            }
            '\0'..='\x1f' => {
                const HEX: [char; 16] = [
                    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
                ];
                let code = character as usize;
                text.push_str("\\u00");
                text.push(HEX[code >> 4]);
                text.push(HEX[code & 15]);
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(value in any::<String>()) {
            let mut text = String::new();
            push_quoted(&mut text, &value);
            prop_assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
        }
    }
}
