//! `cargo xtask size`: what a browser has to load before the first call.

mod budget;
mod bundle;
mod peers;

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use self::{budget::Budget, bundle::Sizes};
use crate::{build, module, workspace};

/// Items of the module that are listed.
const ITEMS: usize = 30;

/// Options of `cargo xtask size`.
#[derive(Args)]
pub struct Options {
    /// Bundles other clients the same way, and prints how many times larger they are
    #[arg(long)]
    peers: bool,
}

/// Builds the package, bundles it as an app would, and prints its size.
pub fn run(options: &Options) -> Result<()> {
    build::run()?;
    let parts = measure()?;
    let together = parts.together();
    println!("\n{}{:>9}", heading(), "budget");
    let budget = Budget::read()?;
    for (name, sizes, allowed) in [
        ("wasm", parts.wasm, budget.wasm),
        ("JavaScript", parts.javascript, budget.javascript),
        ("together", together, budget.together),
    ] {
        println!("{}{allowed:>9}", row(name, sizes));
    }
    println!("{}", row("only with the outbox in IndexedDB", parts.later));
    items()?;
    if options.peers {
        println!("\n{}{:>9}", heading(), "times");
        println!("{}{:>9}", row("alo-chat", together), 1);
        for (name, sizes) in peers::measure()? {
            let times = sizes.brotli as f64 / together.brotli as f64;
            println!("{}{times:>9.2}", row(&name, sizes));
        }
    }
    Ok(())
}

/// Fails if the package exceeds the budget, with the budget's own compiler.
pub fn check() -> Result<()> {
    let parts = measure()?;
    Budget::read()?.check(&parts)
}

/// The sizes of the package.
struct Parts {
    wasm: Sizes,
    javascript: Sizes,
    /// JavaScript that is loaded on demand.
    later: Sizes,
}

impl Parts {
    fn together(&self) -> Sizes {
        self.wasm + self.javascript
    }
}

fn measure() -> Result<Parts> {
    let package = workspace::package();
    let bundle = bundle::bundle(&package.join("index.js"), &workspace::tests())?;
    Ok(Parts {
        wasm: bundle::sizes(&[package.join("alo_chat_bg.wasm")])?,
        javascript: bundle.at_once,
        later: bundle.later,
    })
}

fn items() -> Result<()> {
    let path = build::named_module();
    let module = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    println!("\n{:>8}  largest items of the module", "bytes");
    for (name, bytes) in module::items(&module)?.into_iter().take(ITEMS) {
        println!("{bytes:>8}  {name}");
    }
    Ok(())
}

fn heading() -> String {
    format!("{:<36}{:>10}{:>10}{:>10}", "bytes", "raw", "gzip", "brotli")
}

fn row(name: &str, sizes: Sizes) -> String {
    format!(
        "{name:<36}{:>10}{:>10}{:>10}",
        sizes.raw, sizes.gzip, sizes.brotli
    )
}
