//! Checks that each feature of the registry has its file on every layer, and that each file there has a feature.

use std::{collections::BTreeSet, fs, path::Path};

use alo_protocol::registry::METHODS;
use anyhow::{Context, Result, bail};

use crate::workspace;

/// A folder with a file for each feature.
struct Floor {
    folder: &'static str,
    /// How the files' names end. A folder of Rust files may replace a file.
    suffix: &'static str,
    /// Features that have no file here.
    without: &'static [&'static str],
    /// Files here that are not features.
    others: &'static [&'static str],
}

const FLOORS: [Floor; 7] = [
    Floor {
        folder: "protocol/src/methods",
        suffix: ".rs",
        without: &[],
        // A feature without a method yet.
        others: &["mod", "delete"],
    },
    Floor {
        folder: "gateway/src/methods",
        suffix: ".rs",
        without: &[],
        others: &["mod"],
    },
    Floor {
        folder: "gateway/tests/gateway",
        suffix: ".rs",
        without: &[],
        others: &[
            "access", "audit", "autobahn", "backup", "crash", "delete", "disk", "door", "files",
            "hostile", "http", "jwks", "keys", "main", "rates", "raw", "slow", "socket", "store",
            "support",
        ],
    },
    Floor {
        folder: "tests/sim/src/features",
        suffix: ".rs",
        without: &["typing"],
        others: &["access", "delete", "mod"],
    },
    Floor {
        folder: "pkg-template/types",
        suffix: ".d.ts",
        // The SDK refreshes tokens automatically.
        without: &["auth"],
        others: &[
            "delete", "events", "files", "message", "outbox", "result", "status",
        ],
    },
    Floor {
        folder: "docs",
        suffix: ".md",
        without: &[],
        others: &[
            "architecture",
            "asvs",
            "connecting",
            "delete",
            "errors",
            "operations",
            "performance",
            "protocol",
            "reliability",
            "security",
        ],
    },
    Floor {
        folder: "tests/e2e",
        suffix: ".test.mjs",
        // Whatever a page does subscribes, and needs a token. The example shows no counts and marks yet.
        without: &["auth", "counts", "reads", "subscribe", "typing"],
        others: &[
            "connection",
            "example",
            "faults",
            "loader",
            "outbox",
            "recovery",
            "sleep",
            "tus",
            "uploads",
        ],
    },
];

/// Fails with everything that is missing or belongs to no feature.
pub fn check() -> Result<()> {
    let features = METHODS.iter().map(|method| method.feature).collect();
    let mut problems = Vec::new();
    for floor in &FLOORS {
        problems.append(&mut problems_of(&workspace::root(), floor, &features)?);
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

fn problems_of(root: &Path, floor: &Floor, features: &BTreeSet<&str>) -> Result<Vec<String>> {
    let Floor {
        folder,
        suffix,
        without,
        others,
    } = floor;
    let present = words(&root.join(folder), suffix)?;
    let mut problems = Vec::new();
    for feature in features {
        match (present.contains(*feature), without.contains(feature)) {
            (false, false) => problems.push(format!(
                "{folder}/{feature}{suffix} is missing: the registry lists the feature {feature}"
            )),
            (true, true) => problems.push(format!(
                "{folder}/{feature}{suffix}: {feature} is listed as having no file here"
            )),
            (true, false) | (false, true) => {}
        }
    }
    for word in &present {
        if !features.contains(word.as_str()) && !others.contains(&word.as_str()) {
            problems.push(format!(
                "{folder}/{word}{suffix}: the registry lists no feature {word}"
            ));
        }
    }
    let gone = others.iter().filter(|word| !present.contains(**word));
    problems
        .extend(gone.map(|word| format!("{folder}/{word}{suffix} is an exception and not there")));
    Ok(problems)
}

/// The names in a folder, without their common end; none if there is no such folder.
fn words(folder: &Path, suffix: &str) -> Result<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    if !folder.exists() {
        return Ok(words);
    }
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if suffix == ".rs" {
                words.insert(name);
            }
        } else if let Some(word) = name.strip_suffix(suffix) {
            words.insert(word.to_owned());
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: Floor = Floor {
        folder: "methods",
        suffix: ".rs",
        without: &["auth"],
        others: &["mod"],
    };

    /// What is wrong with a folder that has these files and folders (those end in `/`).
    fn problems(floor: &Floor, files: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(floor.folder);
        fs::create_dir(&folder).unwrap();
        for file in files {
            match file.strip_suffix('/') {
                Some(name) => fs::create_dir(folder.join(name)).unwrap(),
                None => fs::write(folder.join(file), "").unwrap(),
            }
        }
        let features = BTreeSet::from(["auth", "history", "send"]);
        problems_of(root.path(), floor, &features).unwrap()
    }

    #[test]
    fn a_file_or_a_folder_of_rust_files_is_a_feature() {
        let files = ["mod.rs", "send.rs", "history/", "notes.txt"];
        assert!(problems(&RUST, &files).is_empty());
    }

    #[test]
    fn a_missing_file_names_its_feature() {
        assert_eq!(
            problems(&RUST, &["mod.rs", "send.rs"]),
            ["methods/history.rs is missing: the registry lists the feature history"]
        );
    }

    #[test]
    fn a_file_of_no_feature_is_named() {
        let files = ["mod.rs", "send.rs", "history.rs", "typing.rs"];
        assert_eq!(
            problems(&RUST, &files),
            ["methods/typing.rs: the registry lists no feature typing"]
        );
    }

    #[test]
    fn exceptions_must_be_true() {
        assert_eq!(
            problems(&RUST, &["send.rs", "history.rs", "auth.rs"]),
            [
                "methods/auth.rs: auth is listed as having no file here",
                "methods/mod.rs is an exception and not there"
            ]
        );
    }

    #[test]
    fn folders_stand_for_rust_files_alone_and_other_ends_are_no_words() {
        let floor = Floor {
            folder: "e2e",
            suffix: ".test.mjs",
            without: &[],
            others: &[],
        };
        let files = [
            "auth.test.mjs",
            "send.test.mjs",
            "history.test.mjs",
            "seed/",
            "page.mjs",
        ];
        assert!(problems(&floor, &files).is_empty());
        assert_eq!(
            problems(&floor, &["auth.test.mjs", "send.test.mjs", "history/"]).len(),
            1
        );
    }

    #[test]
    fn a_floor_that_is_not_built_lacks_every_feature() {
        let root = tempfile::tempdir().unwrap();
        let features = BTreeSet::from(["history", "send"]);
        let problems = problems_of(root.path(), &RUST, &features).unwrap();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }
}
