//! Whether the tests that a document names exist: a claim whose test was renamed or removed shows nothing.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// The document that names tests, each in backticks: `name_of_a_test`, or `"title of a test"` in JavaScript.
const DOCUMENT: &str = "docs/asvs.md";
/// Where tests are.
const FOLDERS: [&str; 5] = ["gateway", "protocol", "src", "tests", "xtask"];
/// Words of a name from which on it is that of a test; shorter names are other things.
const WORDS: usize = 4;

/// Checks the document.
pub fn check() -> Result<()> {
    let root = workspace::root();
    let mut sources = String::new();
    for folder in FOLDERS {
        read(&root.join(folder), &mut sources)?;
    }
    let document = fs::read_to_string(root.join(DOCUMENT)).context(DOCUMENT)?;
    ensure!(!named(&document).is_empty(), "{DOCUMENT} names no test");
    let missing = missing(&document, &sources);
    ensure!(
        missing.is_empty(),
        "{DOCUMENT} names tests that do not exist: {missing:?}"
    );
    Ok(())
}

fn read(folder: &Path, sources: &mut String) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            if !path.ends_with("node_modules") && !path.ends_with("target") {
                read(&path, sources)?;
            }
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "mjs")
        {
            sources.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

fn missing<'a>(document: &'a str, sources: &str) -> Vec<&'a str> {
    let exists = |name: &&str| {
        if name.starts_with('"') {
            sources.contains(*name)
        } else {
            sources.contains(&format!("fn {name}("))
        }
    };
    named(document)
        .into_iter()
        .filter(|name| !exists(name))
        .collect()
}

/// The tests that a document names.
fn named(document: &str) -> BTreeSet<&str> {
    let is_test = |code: &&str| {
        let is_title = code.len() > 2 && code.starts_with('"') && code.ends_with('"');
        let is_name = code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && code.split('_').count() >= WORDS;
        is_title || is_name
    };
    document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_test)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_named_must_exist() {
        let document =
            "| `a_name_of_four` | `\"a title\"` | `short_name` | `gone_for_a_while` | `\"lost\"` |";
        let sources = "fn a_name_of_four() {}\ntest(\"a title\", () => {});";
        assert_eq!(missing(document, sources), ["\"lost\"", "gone_for_a_while"]);
    }
}
