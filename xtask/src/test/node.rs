//! Tests that run in Node: of types, of the packed package, and end to end.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{Shared, count::Count};
use crate::{install, process, workspace};

/// How long one file of tests may take, in milliseconds.
const FILE: &str = "600000";

pub fn types() -> Result<Count> {
    run("types", |_| ())
}

pub fn packaging(shared: &mut Shared) -> Result<Count> {
    run_in_chromium("packaging", shared)
}

pub fn e2e(shared: &mut Shared) -> Result<Count> {
    run_in_chromium("e2e", shared)
}

fn run_in_chromium(folder: &str, shared: &Shared) -> Result<Count> {
    let chromium = install::chromium()?;
    let gateway = shared.gateway()?;
    let binary = shared.gateway_binary()?;
    run(folder, |command| {
        command
            .env("ALO_CHROMIUM", chromium)
            .env("ALO_TEST_ENDPOINT", &gateway.endpoint)
            .env("ALO_TEST_API_KEY", &gateway.api_key)
            .env("ALO_GATEWAY", binary);
    })
}

fn run(folder: &str, prepare: impl FnOnce(&mut Command)) -> Result<Count> {
    install::npm_tools()?;
    let mut command = Command::new("node");
    command
        // One file at a time: they measure nothing, but each has a browser of its own.
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .arg(format!("--test-timeout={FILE}"))
        .args(files(folder)?)
        .current_dir(workspace::root())
        .env("NO_COLOR", "1");
    prepare(&mut command);
    let mut count = Count::default();
    let status = process::run_lines(&mut command, |line| count.add_node_line(line))?;
    Ok(count.ended(status))
}

fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = workspace::tests().join(folder);
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
