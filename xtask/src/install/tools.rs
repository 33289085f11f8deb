//! The Rust target, tools built by cargo, and npm packages.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// The oldest Node that the npm tools run on.
const NODE: (u32, u32) = (20, 19);

/// The version that ran with the Firefox of the tests.
const GECKODRIVER: &str = "0.37.1";

/// Copy of the lock file inside node_modules, to see whether they agree.
const STAMP: &str = ".installed-lock.json";

/// The browser's target of the Rust toolchain.
pub fn wasm_target() -> Result<()> {
    let installed =
        process::capture(Command::new("rustup").args(["target", "list", "--installed"]))
            .context("rustup is needed to install the browser's target")?;
    if installed.lines().any(|line| line == workspace::WASM_TARGET) {
        return Ok(());
    }
    process::run(Command::new("rustup").args(["target", "add", workspace::WASM_TARGET]))
}

/// The wasm-bindgen tools of exactly the version the crates are locked to: others refuse the module.
pub fn wasm_bindgen() -> Result<()> {
    let version = workspace::locked_version("wasm-bindgen")?;
    let present = ["wasm-bindgen", "wasm-bindgen-test-runner"]
        .iter()
        .all(|name| version_of(name).is_some_and(|found| found.ends_with(&format!(" {version}"))));
    if present {
        return Ok(());
    }
    cargo_install(&format!("wasm-bindgen-cli@{version}"))
}

/// The driver between WebDriver and Firefox.
pub fn geckodriver() -> Result<()> {
    if version_of("geckodriver").is_some() {
        return Ok(());
    }
    cargo_install(&format!("geckodriver@{GECKODRIVER}"))
}

/// The npm tools in tests/.
pub fn npm_tools() -> Result<()> {
    npm_ci(&workspace::tests())
}

/// The npm packages of a folder, exactly as locked; nothing to do while the lock is the same.
pub fn npm_ci(folder: &Path) -> Result<()> {
    node()?;
    let lock_path = folder.join("package-lock.json");
    let lock = fs::read(&lock_path).with_context(|| format!("reading {}", lock_path.display()))?;
    let stamp = folder.join("node_modules").join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    process::run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder),
    )?;
    fs::write(&stamp, lock).with_context(|| format!("writing {}", stamp.display()))
}

fn node() -> Result<()> {
    let (major, minor) = NODE;
    let version = process::capture(Command::new("node").arg("--version"))
        .with_context(|| format!("Node {major}.{minor} or later is needed"))?;
    match parse_node(version.trim()) {
        Some(found) if found >= NODE => Ok(()),
        Some(_) | None => bail!(
            "Node {major}.{minor} or later is needed, not {}",
            version.trim()
        ),
    }
}

fn parse_node(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn version_of(tool: &str) -> Option<String> {
    let output = Command::new(workspace::tool(tool).ok()?)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().next()?.trim().to_owned())
}

fn cargo_install(package: &str) -> Result<()> {
    // Not --locked: the lock files of such tools name versions that are no longer available.
    process::run(
        Command::new("cargo")
            .args(["install", package, "--root"])
            .arg(workspace::tools()?)
            // Not into the project's target folder: these are not its crates.
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(std::env::temp_dir()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_by_number() {
        assert_eq!(parse_node("v20.19.1"), Some((20, 19)));
        assert!(parse_node("v9.99.0") < parse_node("v20.2.0"));
        assert_eq!(parse_node("20.1.0"), None);
    }
}
