//! tests/types/golden.ts: every sample of the protocol as a TypeScript literal, to be compared with the
//! types of tests/types/wire.ts and through them with the public ones.
//!
//! For each type the compiler checks the smallest value, in which no key that the types require may be
//! missing, and the fullest, in which no key may be unknown to the types. The fullest is also compared with
//! `Full<…>`, which finds keys that the types have but the protocol never writes.

use std::fmt::Write;

use alo_protocol::{
    Cause, ErrorCode, GapReason,
    registry::{EVENTS, METHODS, method_samples},
    samples::{Samples, event_samples},
};
use anyhow::Result;
use serde_json::Value;

const HEAD: &str = "\
// Generated from the protocol's samples by `cargo xtask docs`; changes made here are lost.

import type { ChatEventMap, ErrorCode, ReconnectCode } from \"alo-chat\";
import type { Equal, Expect } from \"./equal.js\";
import type { Full, GapReason, WireEvents, WireMethods } from \"./wire.js\";

";

/// The entire file.
pub fn text() -> Result<String> {
    let mut text = HEAD.to_owned();
    text.push_str("export type Names = [\n");
    let methods = METHODS.iter().map(|method| method.name);
    names(&mut text, "keyof WireMethods", methods)?;
    let events = EVENTS.iter().map(|event| event.name);
    names(&mut text, "keyof ChatEventMap", events)?;
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    names(&mut text, "ErrorCode", codes)?;
    let causes = Cause::ALL.iter().map(|cause| cause.as_str());
    names(&mut text, "ReconnectCode", causes)?;
    let reasons = GapReason::ALL.iter().map(|reason| reason.as_str());
    names(&mut text, "GapReason", reasons)?;
    text.push_str("];\n");
    for (method, [params, result]) in method_samples() {
        let of = |part| format!("WireMethods[\"{}\"][\"{part}\"]", method.name);
        literals(&mut text, &of("params"), &params)?;
        literals(&mut text, &of("result"), &result)?;
    }
    for (name, data) in event_samples() {
        literals(&mut text, &format!("WireEvents[\"{name}\"]"), &data)?;
    }
    Ok(text)
}

fn names<'a>(text: &mut String, of: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    writeln!(text, "  Expect<\n    Equal<\n      {of},")?;
    for name in names {
        writeln!(text, "      | \"{name}\"")?;
    }
    text.push_str("    >\n  >,\n");
    Ok(())
}

fn literals(text: &mut String, of: &str, samples: &Samples) -> Result<()> {
    let fullest = first_only(&samples.full);
    literal(text, &fullest, &format!("Full<{of}>"))?;
    // Equal samples have been compared already.
    if samples.full != fullest {
        literal(text, &samples.full, of)?;
    }
    if samples.least != fullest {
        literal(text, &samples.least, of)?;
    }
    Ok(())
}

fn literal(text: &mut String, value: &Value, of: &str) -> Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    writeln!(text, "\nvoid ({json} satisfies {of});")?;
    Ok(())
}

/// The value with only the first item of each list: samples have the fullest first.
fn first_only(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().take(1).map(first_only).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), first_only(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_method_and_event_on_the_wire_is_compared() {
        let text = text().unwrap();
        for method in METHODS {
            for part in ["params", "result"] {
                let of = format!("WireMethods[\"{}\"][\"{part}\"]", method.name);
                assert!(text.contains(&format!("satisfies Full<{of}>);")), "{of}");
            }
        }
        let logs = EVENTS
            .iter()
            .filter(|event| event.kind != alo_protocol::registry::EventKind::Local);
        for event in logs {
            let of = format!("satisfies Full<WireEvents[\"{}\"]>);", event.name);
            assert!(text.contains(&of), "{of}");
        }
    }

    #[test]
    fn the_fullest_the_full_and_the_least_are_compared_and_nothing_twice() {
        let mut text = String::new();
        let samples = Samples {
            full: json!({"list": [{"a": 1}, {}]}),
            least: json!({"list": []}),
        };
        literals(&mut text, "T", &samples).unwrap();
        assert_eq!(text.matches("satisfies Full<T>").count(), 1);
        assert_eq!(text.matches("satisfies T").count(), 2);
        text.clear();
        let same = Samples {
            full: json!({}),
            least: json!({}),
        };
        literals(&mut text, "T", &same).unwrap();
        assert_eq!(text, "\nvoid ({} satisfies Full<T>);\n");
    }
}
