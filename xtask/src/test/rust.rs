//! Checks and tests of the Rust crates.

use anyhow::Result;

use super::count::Count;
use crate::{install, process, workspace};

pub fn fmt() -> Result<Count> {
    cargo(&["fmt", "--all", "--check"])
}

/// The SDK's browser part exists on the browser's target only.
pub fn clippy() -> Result<Count> {
    install::wasm_target()?;
    let all = cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])?;
    let browser = cargo(&[
        "clippy",
        "--package",
        "alo-chat",
        "--lib",
        "--test",
        "browser",
        "--target",
        workspace::WASM_TARGET,
        "--",
        "--deny",
        "warnings",
    ])?;
    Ok(all + browser)
}

pub fn docs() -> Result<Count> {
    install::wasm_target()?;
    let mut count = Count::default();
    for which in [
        &["--workspace"][..],
        &["--package", "alo-chat", "--target", workspace::WASM_TARGET],
    ] {
        let mut command = workspace::cargo()?;
        command
            .args(["doc", "--no-deps"])
            .args(which)
            .env("RUSTDOCFLAGS", "--deny warnings");
        count = count + Count::check(process::run(&mut command));
    }
    Ok(count)
}

pub fn native() -> Result<Count> {
    let mut count = Count::default();
    let mut command = workspace::cargo()?;
    command.args(["test", "--workspace", "--no-fail-fast"]);
    let status = process::run_lines(&mut command, |line| count.add_rust_line(line))?;
    Ok(count.ended(status))
}

fn cargo(arguments: &[&str]) -> Result<Count> {
    let mut command = workspace::cargo()?;
    Ok(Count::check(process::run(command.args(arguments))))
}
