//! Bundles the package as an app would, and measures sizes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Add,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{process, workspace};

/// Prints the sizes of each file given: raw, gzip -9, brotli -11. Node has both compressions.
const MEASURE: &str = "
const { readFileSync } = require('node:fs');
const { brotliCompressSync, gzipSync, constants } = require('node:zlib');
for (const file of process.argv.slice(1)) {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  console.log(bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes, { params }).length);
}";

/// Bytes, as they are and compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// As they are.
    pub raw: u64,
    /// gzip -9.
    pub gzip: u64,
    /// brotli -11.
    pub brotli: u64,
}

impl Add for Sizes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            raw: self.raw + other.raw,
            gzip: self.gzip + other.gzip,
            brotli: self.brotli + other.brotli,
        }
    }
}

/// A bundle.
pub struct Bundle {
    /// What is loaded with the import.
    pub at_once: Sizes,
    /// What `import()` may load later.
    pub later: Sizes,
}

/// Bundles and minifies what a module exports; packages are looked for in `folder` too.
pub fn bundle(entry: &Path, folder: &Path) -> Result<Bundle> {
    let work = tempfile::tempdir()?;
    let (out, facts) = (work.path().join("out"), work.path().join("facts.json"));
    process::run(
        workspace::npm_program("esbuild")
            .arg(entry)
            .args(["--bundle", "--minify", "--splitting", "--platform=browser"])
            .args(["--format=esm", "--target=es2022", "--log-level=error"])
            .arg(format!("--outdir={}", out.display()))
            .arg(format!("--metafile={}", facts.display()))
            .env("NODE_PATH", folder.join("node_modules"))
            .current_dir(work.path()),
    )?;
    let facts: Facts = serde_json::from_slice(&fs::read(&facts)?)?;
    let at_once = facts.at_once().context("the bundle has no entry")?;
    let files = |wanted: bool| -> Vec<PathBuf> {
        let names = facts.outputs.keys();
        let names = names.filter(|name| at_once.contains(name.as_str()) == wanted);
        names.map(|name| work.path().join(name)).collect()
    };
    Ok(Bundle {
        at_once: sizes(&files(true))?,
        later: sizes(&files(false))?,
    })
}

/// The sizes of files, each compressed alone, summed up.
pub fn sizes(files: &[PathBuf]) -> Result<Sizes> {
    let mut command = Command::new("node");
    let printed = process::capture(command.args(["-e", MEASURE, "--"]).args(files))?;
    printed.lines().try_fold(Sizes::default(), |sum, line| {
        let numbers = line.split(' ').map(str::parse);
        let numbers = numbers.collect::<Result<Vec<u64>, _>>();
        let [raw, gzip, brotli] = <[u64; 3]>::try_from(numbers?)
            .ok()
            .with_context(|| format!("not three numbers: {line}"))?;
        Ok(sum + Sizes { raw, gzip, brotli })
    })
}

/// What esbuild reports about a bundle.
#[derive(Deserialize)]
struct Facts {
    outputs: BTreeMap<String, Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    imports: Vec<Import>,
    entry_point: Option<String>,
    /// Set for what is loaded by `import()`, too; only the entry that was asked for has exports of its own
    /// name beside it.
    #[serde(default)]
    exports: Vec<String>,
}

#[derive(Deserialize)]
struct Import {
    path: String,
    kind: String,
}

impl Facts {
    /// The entry, and what it imports without waiting for a call.
    fn at_once(&self) -> Option<BTreeSet<&str>> {
        let later: BTreeSet<&str> = self
            .outputs
            .values()
            .flat_map(|output| &output.imports)
            .filter(|import| import.kind == "dynamic-import")
            .map(|import| import.path.as_str())
            .collect();
        let is_entry = |name: &&String| {
            let output = &self.outputs[*name];
            output.entry_point.is_some()
                && !output.exports.is_empty()
                && !later.contains(name.as_str())
        };
        let mut waiting = vec![self.outputs.keys().find(is_entry)?.as_str()];
        let mut at_once = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            let Some(output) = self.outputs.get(name) else {
                continue;
            };
            if at_once.insert(name) {
                let imports = output.imports.iter();
                let imports = imports.filter(|import| import.kind == "import-statement");
                waiting.extend(imports.map(|import| import.path.as_str()));
            }
        }
        Some(at_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_import_loads_is_later_and_what_it_shares_is_not() {
        let facts = r#"{"outputs": {
            "out/index.js": {"entryPoint": "index.js", "exports": ["a"], "imports": [
                {"path": "out/shared.js", "kind": "import-statement"},
                {"path": "out/lazy.js", "kind": "dynamic-import"}]},
            "out/shared.js": {"exports": ["b"], "imports": []},
            "out/lazy.js": {"entryPoint": "lazy.js", "exports": ["c"], "imports": [
                {"path": "out/shared.js", "kind": "import-statement"}]}}}"#;
        let facts: Facts = serde_json::from_str(facts).unwrap();
        let at_once = facts.at_once().unwrap();
        assert_eq!(
            at_once.into_iter().collect::<Vec<_>>(),
            ["out/index.js", "out/shared.js"]
        );
    }
}
