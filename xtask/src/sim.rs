//! `cargo xtask sim`: the simulation, optimised, with its own options.

use anyhow::Result;
use clap::Args;

use crate::{process, workspace};

/// Options of `cargo xtask sim`.
#[derive(Args)]
pub struct Options {
    /// The simulation's own: --steps N, --from SEED, --seed SEED, --threads N, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs it.
pub fn run(options: &Options) -> Result<()> {
    simulate(options.arguments.iter().map(String::as_str))
}

/// Runs it with these arguments.
pub fn simulate<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut command = workspace::cargo()?;
    command
        .args(["run", "--quiet", "--release", "--package", "alo-sim", "--"])
        .args(arguments);
    process::run(&mut command)
}
