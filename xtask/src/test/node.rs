//! Tests that run in Node: of types, of the packed package, and end to end.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{Shared, browser, count::Count};
use crate::{
    gateway::Gateway,
    install::{self, Engine},
    process, workspace,
};

/// How long one file of tests may take, in milliseconds.
const FILE: &str = "600000";

pub fn types() -> Result<Count> {
    run(node("types")?)
}

/// The example's state without a page.
pub fn example() -> Result<Count> {
    run(node("example")?)
}

pub fn packaging(shared: &mut Shared) -> Result<Count> {
    run_in_chromium("packaging", shared)
}

pub fn e2e(shared: &mut Shared) -> Result<Count> {
    run_in_chromium("e2e", shared)
}

/// The packed package in one engine.
pub fn engine(engine: Engine, gateway: &Gateway) -> Result<Count> {
    install::engine(engine)?;
    let mut command = node("engines")?;
    with_gateway(&mut command, gateway)
        .env("ALO_ENGINE", engine.name())
        .env("ALO_DRIVER", install::driver(engine)?);
    if engine == Engine::Chromium {
        command.env("ALO_CHROMIUM", install::chromium()?);
    }
    run(browser::in_session(engine, command))
}

fn run_in_chromium(folder: &str, shared: &Shared) -> Result<Count> {
    let mut command = node(folder)?;
    with_gateway(&mut command, shared.gateway()?)
        .env("ALO_CHROMIUM", install::chromium()?)
        .env("ALO_GATEWAY", shared.gateway_binary()?);
    run(command)
}

fn with_gateway<'a>(command: &'a mut Command, gateway: &Gateway) -> &'a mut Command {
    command
        .env("ALO_TEST_ENDPOINT", &gateway.endpoint)
        .env("ALO_TEST_API_KEY", &gateway.api_key)
}

fn node(folder: &str) -> Result<Command> {
    install::npm_tools()?;
    let mut command = Command::new("node");
    command
        // One file at a time: they measure nothing, but each has a browser of its own.
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .arg(format!("--test-timeout={FILE}"))
        .args(files(folder)?)
        .current_dir(workspace::root())
        .env("NO_COLOR", "1");
    Ok(command)
}

fn run(mut command: Command) -> Result<Count> {
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
