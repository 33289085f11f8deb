//! Checks that clippy finds clocks, randomness and unordered maps in the modules that must not use them.
//!
//! A crate of one file with such a fault is checked by the same settings: the workspace's lints, clippy.toml
//! and the attributes at the head of the module.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::count::Count;
use crate::workspace;

/// Modules that deny them.
const MODULES: [&str; 4] = [
    "src/core/mod.rs",
    "gateway/src/session/mod.rs",
    "gateway/src/methods/mod.rs",
    "gateway/src/store/rules/mod.rs",
];

/// Each must be found by the named lint, except the last.
const FAULTS: [(&str, Option<&str>); 6] = [
    ("std::time::Instant::now()", Some("disallowed_methods")),
    ("std::time::SystemTime::now()", Some("disallowed_methods")),
    (
        "std::time::UNIX_EPOCH.elapsed()",
        Some("disallowed_methods"),
    ),
    (
        "std::collections::HashMap::<u8, u8>::new()",
        Some("disallowed_types"),
    ),
    (
        "std::collections::HashSet::<u8>::new()",
        Some("disallowed_types"),
    ),
    ("std::collections::BTreeMap::<u8, u8>::new()", None),
];

pub fn check() -> Result<Count> {
    let root = workspace::root();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("reading Cargo.toml")?;
    let lints = lints(&manifest);
    let folder = tempfile::tempdir()?;
    let mut count = Count::default();
    for module in MODULES {
        let text =
            fs::read_to_string(root.join(module)).with_context(|| format!("reading {module}"))?;
        for (fault, lint) in FAULTS {
            println!("{module} with {fault}");
            let found = clippy(folder.path(), &lints, &denials(&text), fault)?;
            let outcome = match lint {
                // Once: inside the module, and not outside of it.
                Some(lint) => found.matches(&format!("#{lint}\n")).count() == 1,
                None => found.is_empty(),
            };
            count = count
                + Count::check((|| {
                    ensure!(
                        outcome,
                        "where it should find {lint:?}, clippy finds:\n{found}"
                    );
                    Ok(())
                })());
        }
    }
    Ok(count)
}

/// What clippy denies in a module with these attributes and this expression.
fn clippy(folder: &Path, lints: &str, attributes: &str, fault: &str) -> Result<String> {
    let manifest = format!(
        "[package]\nname = \"planted\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n{lints}"
    );
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    // The same outside of the module is no fault.
    let source = format!(
        "//! Planted.\n/// Free.\npub fn free() {{ let _ = {fault}; }}\n/// Bound.\npub mod bound {{\n\
         {attributes}/// Bound.\npub fn bound() {{ let _ = {fault}; }}\n}}\n"
    );
    fs::write(folder.join("src/lib.rs"), source)?;
    let output = Command::new("cargo")
        .args(["clippy", "--quiet", "--offline"])
        .current_dir(folder)
        .env("CLIPPY_CONF_DIR", workspace::root())
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .context("starting cargo clippy")?;
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() == printed.is_empty(),
        "cargo clippy: {}\n{printed}",
        output.status
    );
    Ok(printed)
}

/// The workspace's lints, as those of one crate.
fn lints(manifest: &str) -> String {
    let mut lints = String::new();
    let mut is_inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inside = line.starts_with("[workspace.lints.");
        }
        if is_inside {
            lints.push_str(&line.replace("[workspace.lints.", "[lints."));
            lints.push('\n');
        }
    }
    lints
}

/// The attributes of a module by which it denies lints.
fn denials(module: &str) -> String {
    let mut denials = String::new();
    for (start, _) in module.match_indices("#![deny(") {
        let (attribute, _) = module[start..].split_once(")]").unwrap_or_default();
        denials.push_str(attribute);
        denials.push_str(")]\n");
    }
    denials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lints_of_the_workspace_become_those_of_a_crate() {
        let manifest = "[workspace]\nmembers = []\n\n[workspace.lints.rust]\na = \"b\"\n\n\
                        [workspace.lints.clippy]\nc = \"allow\"\n[package]\nname = \"x\"\n";
        assert_eq!(
            lints(manifest),
            "[lints.rust]\na = \"b\"\n\n[lints.clippy]\nc = \"allow\"\n"
        );
    }

    #[test]
    fn denials_are_found_over_many_lines() {
        let module = "//! A.\n#![deny(\n    clippy::a,\n)]\n#![allow(b)]\n#![deny(c)]\nmod x;\n";
        assert_eq!(
            denials(module),
            "#![deny(\n    clippy::a,\n)]\n#![deny(c)]\n"
        );
        assert_eq!(denials("mod x;\n"), "");
    }
}
