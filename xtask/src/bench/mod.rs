//! `cargo xtask bench`: how light and fast the package is in a browser, and the gateway under load, compared
//! with others.
//!
//! The benchmarks in browsers are in tests/bench/, in JavaScript; [`load`] runs the one in Rust, of which
//! [`gateway`] and [`history`] make results. Here they get what they need, and their results are evaluated:
//! [`results`] reads them, [`statistics`] computes medians and goals, [`table`] shows them, [`document`] writes
//! them to docs/performance.md.

mod document;
mod gateway;
mod history;
mod load;
mod results;
mod statistics;
mod table;

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use clap::Args;

use self::{load::Load, results::Results};
use crate::{
    build,
    gateway::{Gateway, build as build_gateway},
    install::{self, Engine},
    process, workspace,
};

/// The benchmarks; but for the gateway's, each has a file of tests/bench/.
const NAMES: [&str; 7] = [
    "events",
    "sends",
    "uploads",
    "start",
    "memory",
    history::NAME,
    gateway::NAME,
];

/// The one that runs in Firefox too.
const IN_FIREFOX: &str = "events";

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct Options {
    /// Benchmarks to run; all of them if none is named
    #[arg(value_name = "NAME", value_parser = NAMES)]
    names: Vec<String>,
    /// How often each is measured, in turns, after a warm-up round
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Uploads a file of 1 GiB too
    #[arg(long)]
    large: bool,
    /// Messages of the largest channel of `history`
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    messages: u64,
    /// Writes the results into docs/performance/ and docs/performance.md
    #[arg(long)]
    write: bool,
}

/// Runs the benchmarks one after another. Only errors fail, never numbers.
pub fn run(options: &Options) -> Result<()> {
    process::on_interrupt(|| (), || std::process::exit(130))?;
    let names: Vec<&str> = NAMES
        .into_iter()
        .filter(|name| options.names.is_empty() || options.names.iter().any(|one| one == name))
        .collect();
    let folder = workspace::tests().join("bench");
    build::run()?;
    let gateway = build_gateway(true)?;
    install::npm_ci(&folder)?;
    let chromium = install::chromium()?;
    let geckodriver = if names.contains(&IN_FIREFOX) {
        install::engine(Engine::Firefox)?;
        Some(install::driver(Engine::Firefox)?)
    } else {
        None
    };
    let commit = commit()?;

    let prepare = |command: &mut Command| {
        command.env("ALO_CHROMIUM", &chromium);
        if let Some(driver) = &geckodriver {
            command.env("GECKODRIVER", driver);
        }
    };
    for name in names {
        println!("\n=== {name}");
        let load = Load {
            rounds: options.rounds,
            gateway: &gateway,
            bench: &folder,
        };
        let browser = || measure(name, options, &folder, &gateway, prepare);
        let results = match name {
            gateway::NAME => gateway::measure(&load)?,
            history::NAME => history::measure(&load, options.messages, browser)?,
            _ => browser()?,
        };
        print!("\n{}", table::text(&results, &commit));
        if options.write {
            document::write(&results, &commit, &folder)?;
        }
    }
    Ok(())
}

/// Runs one benchmark, with a gateway and data of its own.
fn measure(
    name: &str,
    options: &Options,
    folder: &Path,
    gateway: &Path,
    prepare: impl FnOnce(&mut Command),
) -> Result<Results> {
    let log = workspace::target().join("xtask/bench-gateway.log");
    let gateway = Gateway::start(gateway, &log)?;
    let work = tempfile::tempdir()?;
    let output = work.path().join("results.json");
    let mut command = Command::new("node");
    command
        .arg(folder.join("run.mjs"))
        .args([name, "--rounds", &options.rounds.to_string(), "--output"])
        .arg(&output)
        .current_dir(workspace::root())
        .env("ALO_TEST_ENDPOINT", &gateway.endpoint)
        .env("ALO_TEST_API_KEY", &gateway.api_key);
    if options.large {
        command.arg("--large");
    }
    prepare(&mut command);
    process::run(&mut command)?;
    Results::read(&output).with_context(|| format!("the results of {name}"))
}

/// The state of the project that is measured.
fn commit() -> Result<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(workspace::root());
    Ok(process::capture(&mut git)?.trim().to_owned())
}
