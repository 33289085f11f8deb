//! `cargo xtask docs`: generates documents from the code, and checks that they are up to date.
//!
//! - docs/errors.md: [`errors`];
//! - the tables of methods and events in docs/protocol.md: [`protocol`];
//! - tests/types/golden.ts, by which the compiler compares the public TypeScript types with the
//!   protocol: [`golden`].

mod errors;
mod golden;
mod protocol;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A file that is generated, entirely or in part.
struct Document {
    path: &'static str,
    /// The file's new text, from its present one.
    generate: fn(&str) -> Result<String>,
}

const DOCUMENTS: [Document; 3] = [
    Document {
        path: "docs/errors.md",
        generate: |_| Ok(errors::text()),
    },
    Document {
        path: "docs/protocol.md",
        generate: protocol::with_tables,
    },
    Document {
        path: "tests/types/golden.ts",
        generate: |_| golden::text(),
    },
];

/// Writes all of them.
pub fn run() -> Result<()> {
    for document in &DOCUMENTS {
        let path = workspace::root().join(document.path);
        // A file that does not exist yet is generated entirely.
        let present = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, (document.generate)(&present)?)
            .with_context(|| format!("writing {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// Checks for each that it is what [`run`] would write.
pub fn check() -> impl Iterator<Item = Result<()>> {
    DOCUMENTS.iter().map(|document| {
        let path = workspace::root().join(document.path);
        let present =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        if present != (document.generate)(&present)? {
            bail!(
                "{} is out of date; `cargo xtask docs` writes it",
                document.path
            );
        }
        Ok(())
    })
}
