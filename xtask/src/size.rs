//! `cargo xtask size`: what a browser has to load.

use anyhow::{Context, Result};

use crate::{build, process, workspace};

/// Prints sizes of the files given: raw, gzip -9, brotli -11. Node has both compressions.
const MEASURE: &str = "
const { readFileSync } = require('node:fs');
const { brotliCompressSync, gzipSync, constants } = require('node:zlib');
for (const file of process.argv.slice(1)) {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  console.log(bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes, { params }).length);
}";

/// Builds the package, bundles its JavaScript as an app would, and prints a table.
pub fn run() -> Result<()> {
    build::run()?;
    let work = tempfile::tempdir()?;
    let bundle = work.path().join("alo-chat.js");
    process::run(
        workspace::npm_program("esbuild")
            .arg(workspace::package().join("index.js"))
            .args(["--bundle", "--minify", "--format=esm", "--target=es2022"])
            .arg("--log-level=warning")
            .arg(format!("--outfile={}", bundle.display())),
    )?;
    let wasm = workspace::package().join("alo_chat_bg.wasm");
    let output = process::capture(
        std::process::Command::new("node")
            .args(["-e", MEASURE, "--"])
            .args([&wasm, &bundle]),
    )?;
    let rows = output.lines().map(parse).collect::<Result<Vec<_>>>()?;
    println!(
        "\n{:<12}{:>10}{:>10}{:>10}",
        "bytes", "raw", "gzip", "brotli"
    );
    let mut total = [0; 3];
    for (name, row) in ["wasm", "JavaScript"].into_iter().zip(rows) {
        println!("{name:<12}{:>10}{:>10}{:>10}", row[0], row[1], row[2]);
        for (sum, size) in total.iter_mut().zip(row) {
            *sum += size;
        }
    }
    println!(
        "{:<12}{:>10}{:>10}{:>10}",
        "together", total[0], total[1], total[2]
    );
    Ok(())
}

fn parse(line: &str) -> Result<[u64; 3]> {
    let numbers = line
        .split(' ')
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()
        .with_context(|| format!("not three numbers: {line}"))?;
    <[u64; 3]>::try_from(numbers)
        .ok()
        .with_context(|| format!("not three numbers: {line}"))
}
