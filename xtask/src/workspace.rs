//! Paths and versions that several commands need.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

/// The target of the browser module.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The version of all crates and of the npm package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The top folder of the repository.
pub fn root() -> PathBuf {
    // `cargo run` sets the variable; without cargo the path at build time is the best guess.
    let crate_folder = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    match crate_folder.parent() {
        Some(root) => root.to_path_buf(),
        None => crate_folder,
    }
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The npm package that `build` makes.
pub fn package() -> PathBuf {
    root().join("pkg")
}

/// The folder of tests, which holds the npm tools.
pub fn tests() -> PathBuf {
    root().join("tests")
}

/// Tools built by cargo, shared by all clones of this user.
pub fn tools() -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        Some(_) | None => {
            PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cache")
        }
    };
    Ok(cache.join("alo-chat/tools"))
}

/// A program of [`tools`].
pub fn tool(name: &str) -> Result<PathBuf> {
    Ok(tools()?.join("bin").join(name))
}

/// A JavaScript program of the npm tools, to be run by Node.
pub fn npm_tool(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(tests().join("node_modules").join(script));
    command
}

/// A program of the npm tools that need not be JavaScript.
pub fn npm_program(name: &str) -> Command {
    Command::new(tests().join("node_modules/.bin").join(name))
}

/// Cargo, at the top of the repository, with the tools in the path (cargo runs one of them for tests
/// of the browser target).
pub fn cargo() -> Result<Command> {
    let mut command = Command::new("cargo");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [tools()?.join("bin")]
        .into_iter()
        .chain(env::split_paths(&path));
    command
        .current_dir(root())
        .env("PATH", env::join_paths(folders)?);
    // Set by the cargo that runs this program; they would make an inner cargo rebuild crates.
    for variable in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"] {
        command.env_remove(variable);
    }
    Ok(command)
}

/// The version of a crate in Cargo.lock.
pub fn locked_version(name: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    version_in(&lock, name).with_context(|| format!("{name} is not in Cargo.lock"))
}

fn version_in(lock: &str, name: &str) -> Option<String> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{name}\""))?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_whole_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.1\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.1"));
        assert_eq!(version_in(lock, "wasm"), None);
    }
}
