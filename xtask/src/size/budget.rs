//! The maximum size of the package: `xtask/size-budget.json`, in bytes of brotli.
//!
//! Compilers differ by some hundred bytes, so the budget applies to the one named in it. Under another one an
//! excess is printed and does not fail.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Parts;
use crate::{process, workspace};

const FILE: &str = "xtask/size-budget.json";

/// The maximum of each, in bytes of brotli.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The compiler with which it was measured, as `rustc --version` prints it.
    pub rustc: String,
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

    /// Fails if any part is above it; under another compiler prints it.
    pub fn check(&self, parts: &Parts) -> Result<()> {
        let printed = process::capture(Command::new("rustc").arg("--version"))?;
        let sizes = [
            parts.wasm.brotli,
            parts.javascript.brotli,
            parts.together().brotli,
        ];
        match self.judge(sizes, printed.trim()) {
            Verdict::Within => Ok(()),
            Verdict::OtherCompiler(warning) => {
                println!("warning: {warning}");
                Ok(())
            }
            Verdict::Above(error) => bail!(error),
        }
    }

    fn judge(&self, sizes: [u64; 3], rustc: &str) -> Verdict {
        let over = self.over(sizes);
        if over.is_empty() {
            return Verdict::Within;
        }
        let what = format!(
            "the package is too large: {}; `cargo xtask size` shows where the bytes are, and {FILE} is \
             the budget",
            over.join(", ")
        );
        if rustc == self.rustc {
            Verdict::Above(what)
        } else {
            Verdict::OtherCompiler(format!(
                "{what}. It was measured with {}, and this is {rustc}",
                self.rustc
            ))
        }
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

/// How sizes compare with the budget.
#[derive(Debug)]
enum Verdict {
    Within,
    /// Too large, by a compiler to which the budget does not apply.
    OtherCompiler(String),
    Above(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget {
            rustc: "rustc 1.2.3".to_owned(),
            wasm: 100,
            javascript: 10,
            together: 105,
        }
    }

    #[test]
    fn what_is_above_the_budget_is_named_with_by_how_much() {
        let budget = budget();
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
    fn what_is_too_large_fails_under_the_compiler_of_the_budget_alone() {
        let (fits, large) = ([95, 10, 105], [101, 10, 111]);
        assert!(matches!(
            budget().judge(fits, "rustc 1.2.3"),
            Verdict::Within
        ));
        assert!(matches!(
            budget().judge(fits, "rustc 1.3.0"),
            Verdict::Within
        ));
        assert!(matches!(
            budget().judge(large, "rustc 1.2.3"),
            Verdict::Above(_)
        ));
        let Verdict::OtherCompiler(warning) = budget().judge(large, "rustc 1.3.0") else {
            panic!("another compiler");
        };
        for part in ["1 above 100", "rustc 1.2.3", "rustc 1.3.0"] {
            assert!(warning.contains(part), "{warning}");
        }
    }

    #[test]
    fn the_budget_can_be_read() {
        assert!(Budget::read().unwrap().together > 0);
    }
}
