//! Results in docs/: as data and as a plot in docs/performance/, and as tables in docs/performance.md,
//! between markers that name the benchmark.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::{results::Results, table};
use crate::{markers, process, workspace};

/// Writes all three; the document outside of the markers stays unchanged.
pub fn write(results: &Results, commit: &str, bench: &Path) -> Result<()> {
    let docs = workspace::root().join("docs");
    let folder = docs.join("performance");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let data = folder.join(format!("{}.json", results.name));
    let mut json = serde_json::to_value(results)?;
    json["commit"] = commit.into();
    write_file(&data, &format!("{json:#}\n"))?;
    let plot = folder.join(format!("{}.svg", results.name));
    process::run(
        Command::new("node")
            .arg(bench.join("plot.mjs"))
            .args([&data, &plot]),
    )?;

    let document = docs.join("performance.md");
    let text =
        fs::read_to_string(&document).with_context(|| format!("reading {}", document.display()))?;
    let generated = format!(
        "![{name}](performance/{name}.svg)\n\n{}",
        table::markdown(results, commit),
        name = results.name
    );
    let text = replaced(&text, &results.name, &generated)
        .with_context(|| format!("{} has no markers for {}", document.display(), results.name))?;
    write_file(&document, &text)?;
    println!(
        "wrote {}, {} and {}",
        data.display(),
        plot.display(),
        document.display()
    );
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// The text with the part between a benchmark's markers replaced; `None` if it has no such markers.
fn replaced(text: &str, name: &str, generated: &str) -> Option<String> {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->");
    markers::replaced(text, &begin, &end, &format!("\n{generated}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let text =
            "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n<!-- begin y -->\n<!-- end y -->\n";
        let once = replaced(text, "x", "new\n").unwrap();
        assert_eq!(
            once,
            "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb\n<!-- begin y -->\n<!-- end y -->\n"
        );
        assert_eq!(replaced(&once, "x", "new\n").unwrap(), once);
        assert_eq!(replaced(text, "z", "new\n"), None);
        assert_eq!(replaced("<!-- begin x -->\n", "x", ""), None);
    }
}
