//! `cargo xtask abuse`: attacks a gateway, and measures what a client that chats notices of it.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::{markers, process, workspace};

/// The document with the results.
const DOCUMENT: &str = "docs/security.md";
/// The results are between these lines.
const MARKERS: [&str; 2] = [
    "<!-- abuse: written by `cargo xtask abuse --write` -->\n",
    "<!-- /abuse -->",
];

/// Options of `cargo xtask abuse`.
#[derive(Args)]
pub struct Options {
    /// The attacks; all of them if none is named. An unknown name lists them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How long each lasts; the quiet time before it is as long
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u64,
    /// Writes the results into docs/security.md
    #[arg(long)]
    write: bool,
}

/// Runs them; fails if one goes beyond its bounds.
pub fn run(options: &Options) -> Result<()> {
    let work = tempfile::tempdir()?;
    let table = work.path().join("abuse.md");
    let ran = process::run(
        workspace::cargo()?
            .args([
                "bench",
                "--package",
                "alo-gateway",
                "--bench",
                "abuse",
                "--",
            ])
            .args(&options.names)
            .args(["--seconds", &options.seconds.to_string()])
            .arg("--markdown")
            .arg(&table),
    );
    if options.write {
        let path = workspace::root().join(DOCUMENT);
        let document = fs::read_to_string(&path)?;
        let table = fs::read_to_string(&table).context("the results")?;
        fs::write(&path, with_table(&document, &table)?)?;
    }
    ran
}

fn with_table(document: &str, table: &str) -> Result<String> {
    let [start, end] = MARKERS;
    markers::replaced(document, start, end, &format!("\n{table}\n"))
        .with_context(|| format!("{DOCUMENT} lacks the markers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_between_its_markers() {
        let [start, end] = MARKERS;
        let document = format!("a\n{start}old\n{end}\nb");
        let written = with_table(&document, "| new |\n").unwrap();
        assert_eq!(written, format!("a\n{start}\n| new |\n\n{end}\nb"));
        assert!(with_table("nothing", "").is_err());
    }
}
