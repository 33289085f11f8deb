//! What the package may weigh: `xtask/size-budget.json`, in bytes of brotli.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Parts;
use crate::workspace;

const FILE: &str = "xtask/size-budget.json";

/// The most of each, in bytes of brotli.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The module.
    pub wasm: u64,
    /// The JavaScript that is loaded with it.
    pub javascript: u64,
    /// Both.
    pub together: u64,
}

impl Budget {
    /// As the file has it.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(workspace::root().join(FILE))
            .with_context(|| format!("reading {FILE}"))?;
        serde_json::from_str(&text).with_context(|| format!("{FILE} is not a budget"))
    }

    /// Fails if any part is above it.
    pub fn check(&self, parts: &Parts) -> Result<()> {
        let over = self.over([
            parts.wasm.brotli,
            parts.javascript.brotli,
            parts.together().brotli,
        ]);
        if over.is_empty() {
            return Ok(());
        }
        bail!(
            "the package is too large: {}; `cargo xtask size` shows where the bytes are, and {FILE} is \
             the budget",
            over.join(", ")
        )
    }

    fn over(&self, [wasm, javascript, together]: [u64; 3]) -> Vec<String> {
        [
            ("wasm", wasm, self.wasm),
            ("JavaScript", javascript, self.javascript),
            ("together", together, self.together),
        ]
        .into_iter()
        .filter(|(_, is, allowed)| is > allowed)
        .map(|(name, is, allowed)| format!("{name} {is} bytes, {} above {allowed}", is - allowed))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_the_budget_is_told_with_by_how_much() {
        let budget = Budget {
            wasm: 100,
            javascript: 10,
            together: 105,
        };
        assert!(budget.over([95, 10, 105]).is_empty());
        assert_eq!(
            budget.over([100, 12, 112]),
            [
                "JavaScript 12 bytes, 2 above 10",
                "together 112 bytes, 7 above 105"
            ]
        );
    }

    #[test]
    fn the_budget_can_be_read() {
        assert!(Budget::read().unwrap().together > 0);
    }
}
