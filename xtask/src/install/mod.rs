//! `cargo xtask install`, and the same for the other commands: each installs what it needs and is missing, and
//! nothing else.

mod browsers;
mod tools;

use anyhow::{Result, bail};
use clap::Args;

pub use browsers::{Engine, chromium, driver, engine};
pub use tools::{npm_ci, npm_tools, wasm_bindgen, wasm_target};

/// Options of `cargo xtask install`.
#[derive(Args)]
pub struct Options {
    /// An engine to leave out: chromium, firefox or webkit; can be repeated
    #[arg(long, value_name = "NAME", value_parser = Engine::NAMES)]
    skip: Vec<String>,
}

/// Installs everything; the failure of one part does not stop the others.
pub fn run(options: &Options) -> Result<()> {
    let mut failed = Vec::new();
    let mut note = |outcome: Result<()>| {
        if let Err(error) = outcome {
            eprintln!("error: {error:#}");
            failed.push(error);
        }
    };
    note(wasm_target());
    note(wasm_bindgen());
    note(npm_tools());
    for one in Engine::ALL {
        if !options.skip.iter().any(|name| name == one.name()) {
            note(engine(one));
        }
    }
    if !failed.is_empty() {
        bail!("{} of the installations failed", failed.len());
    }
    println!("all that is needed is installed");
    Ok(())
}
