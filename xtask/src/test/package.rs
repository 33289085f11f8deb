//! Lints of the npm package as it would be published.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::count::Count;
use crate::{install, process, workspace};

/// Whether the manifest and the files agree.
pub fn publint() -> Result<Count> {
    let (_folder, tarball) = pack()?;
    let mut command = workspace::npm_tool("publint/src/cli.js");
    Ok(Count::check(process::run(
        command.arg("run").arg(tarball).arg("--strict"),
    )))
}

/// Whether TypeScript finds the types by every way of resolution. The package is ESM alone, and its
/// wasm has no types.
pub fn attw() -> Result<Count> {
    let (_folder, tarball) = pack()?;
    let mut command = workspace::npm_tool("@arethetypeswrong/cli/dist/index.js");
    command.arg(tarball).args([
        "--profile",
        "esm-only",
        "--no-definitely-typed",
        "--exclude-entrypoints",
        "alo_chat_bg.wasm",
    ]);
    Ok(Count::check(process::run(&mut command)))
}

fn pack() -> Result<(TempDir, PathBuf)> {
    install::npm_tools()?;
    let folder = tempfile::tempdir()?;
    let printed = process::capture(
        Command::new("npm")
            .args(["pack", "--silent", "--pack-destination"])
            .arg(folder.path())
            .current_dir(workspace::package()),
    )?;
    let name = printed.lines().last().context("npm pack named no file")?;
    let tarball = folder.path().join(name);
    Ok((folder, tarball))
}
