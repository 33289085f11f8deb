//! The project's commands: `cargo xtask build | test | demo | bench | abuse | sim | mutants | size | docs | install`.
//!
//! One file per command. Shared: [`markers`] replaces parts of documents, [`process`] runs programs, [`workspace`] has paths and versions, [`gateway`]
//! starts a gateway for tests, [`install`] installs tools.

mod abuse;
mod bench;
mod build;
mod demo;
mod docs;
mod example;
mod gateway;
mod glue;
mod install;
mod markers;
mod module;
mod mutants;
mod process;
mod sim;
mod size;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The project's commands", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the npm package in pkg/, ready for `npm pack`
    Build,
    /// Runs every check and test; the last line counts them
    Test(test::Options),
    /// Starts a gateway and the example chat
    Demo(demo::Options),
    /// Measures the package in browsers, and compares it with other clients
    Bench(bench::Options),
    /// Attacks a gateway, and measures what a client that chats notices of it
    Abuse(abuse::Options),
    /// Simulates clients, network and gateway, and checks that nothing is lost, doubled or out of order
    #[command(disable_help_flag = true)]
    Sim(sim::Options),
    /// Plants faults in a copy of the product, which the simulation must catch
    Mutants(mutants::Options),
    /// Prints how large the package is for a browser
    Size(size::Options),
    /// Generates docs/errors.md, the tables of docs/protocol.md and the golden types from the code
    Docs,
    /// Installs what the other commands need
    Install(install::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Build => build::run(),
        Command::Test(options) => match test::run(&options) {
            // The last line has reported it already.
            Ok(false) => return ExitCode::FAILURE,
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        },
        Command::Demo(options) => demo::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Abuse(options) => abuse::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Mutants(options) => mutants::run(&options),
        Command::Size(options) => size::run(&options),
        Command::Docs => docs::run(),
        Command::Install(options) => install::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
