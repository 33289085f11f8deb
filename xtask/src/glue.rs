//! The short names between the browser module and its glue.
//!
//! wasm-bindgen names imports and exports by long names, once in the module and once in its glue. Neither can
//! be seen from outside, so wasm-opt renames each to one or two letters in the module ([`MINIFY`]) and prints
//! the names; here the glue is renamed to match. Anything not found exactly as expected fails the build.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// wasm-opt's option. It prints the [`Names`], and makes all modules that are imported from [`MODULE`].
pub const MINIFY: &str = "--minify-imports-and-exports-and-modules";

/// The name of the one module that is imported from.
const MODULE: &str = "a";

/// The module of the imports that the glue makes; others are JavaScript files of ours.
const OF_GLUE: &str = "./alo_chat_bg.js";

/// How the object of those imports begins.
const IMPORTS: &str = "    const import0 = {\n        __proto__: null,\n";

/// Exports that the glue does not use.
const UNUSED: [&str; 2] = ["__abort_handler", "__instance_terminated"];

/// What wasm-opt prints: the names before and after.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Module, name, new name.
    imports: Vec<(String, String, String)>,
    /// Name, new name.
    exports: Vec<(String, String)>,
}

impl Names {
    /// From what wasm-opt printed.
    pub fn parse(printed: &str) -> Result<Self> {
        serde_json::from_str(printed).with_context(|| format!("no names: {printed}"))
    }
}

/// The glue with the short names.
pub fn rename(glue: &str, names: &Names) -> Result<String> {
    let (mut made, mut of_files) = (BTreeMap::new(), Vec::new());
    for (module, name, short) in &names.imports {
        if module == OF_GLUE {
            made.insert(name.as_str(), short.as_str());
        } else {
            of_files.push((module.as_str(), name.as_str(), short.as_str()));
        }
    }
    let glue = imports(glue, &made)?;
    let glue = exports(&glue, &names.exports)?;
    modules(&glue, &of_files)
}

/// Renames the keys of the object of imports. A function becomes a method, which is equivalent.
fn imports(glue: &str, names: &BTreeMap<&str, &str>) -> Result<String> {
    const KEY: &str = "        ";
    const FUNCTION: &str = ": function(";
    let mut found = Vec::new();
    let mut renamed = String::new();
    for line in glue.split_inclusive('\n') {
        let key = line
            .strip_prefix(KEY)
            .and_then(|line| line.split_once(FUNCTION));
        match key.filter(|(key, _)| key.chars().all(is_of_word)) {
            Some((key, rest)) => {
                // What nothing calls any more is an import of the glue alone.
                let short = names.get(key).with_context(|| {
                    format!("the glue has the import {key}, and the module has not")
                })?;
                found.push(key);
                renamed.push_str(&format!("{KEY}{short}({rest}"));
            }
            None => renamed.push_str(line),
        }
    }
    found.sort_unstable();
    let expected: Vec<_> = names.keys().copied().collect();
    ensure!(
        found == expected,
        "the glue has not each import once: {:?} for {:?}",
        found,
        expected
    );
    Ok(renamed)
}

/// Renames the properties of the module's exports, `wasm.name` and `instance.exports.name`.
fn exports(glue: &str, names: &[(String, String)]) -> Result<String> {
    let mut unused: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    let mut renamed = String::new();
    let mut rest = glue;
    while let Some((before, object, after)) = next_export(rest) {
        let end = after.find(|one| !is_of_word(one)).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let Some((_, short)) = names.iter().find(|(long, _)| long == name) else {
            bail!("the glue uses {object}{name}, which the module does not export");
        };
        unused.retain(|unused| *unused != name);
        renamed.extend([before, object, short]);
        rest = after;
    }
    renamed.push_str(rest);
    unused.sort_unstable();
    ensure!(
        unused == UNUSED,
        "the glue does not use the exports {unused:?}, and {UNUSED:?} are expected"
    );
    Ok(renamed)
}

/// What comes before the next property of the exports, the object, and what comes after its dot.
fn next_export(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let found = ["wasm.", "instance.exports."]
            .into_iter()
            .filter_map(|object| Some((from + text[from..].find(object)?, object)))
            .min()?;
        let (start, object) = found;
        let end = start + object.len();
        // Not the end of a longer word, such as `_bg.wasm.`.
        let is_word = !text[..start].ends_with(|one| is_of_word(one) || one == '.');
        if is_word && text[end..].starts_with(is_of_word) {
            return Some((&text[..start], &text[start..end], &text[end..]));
        }
        from = end;
    }
}

/// Puts the imports from files of ours into the one object of imports, which gets the short name.
fn modules(glue: &str, of_files: &[(&str, &str, &str)]) -> Result<String> {
    let mut glue = glue.to_owned();
    for (module, name, short) in of_files {
        // `"./file.js": import1,` is the glue's name for the file.
        let start = format!("        \"{module}\": ");
        let line = glue
            .lines()
            .find(|line| line.starts_with(&start))
            .with_context(|| format!("the glue does not import {module}"))?;
        let object = line[start.len()..].trim_end_matches(',').to_owned();
        replace_once(
            &mut glue,
            IMPORTS,
            &format!("{IMPORTS}        {short}: {object}.{name},\n"),
        )?;
    }
    let mut modules: Vec<_> = of_files.iter().map(|(module, _, _)| *module).collect();
    modules.dedup();
    for module in modules {
        let start = format!("        \"{module}\": ");
        let line = glue.lines().find(|line| line.starts_with(&start));
        let line = line.map(|line| format!("{line}\n")).unwrap_or_default();
        replace_once(&mut glue, &line, "")?;
    }
    replace_once(
        &mut glue,
        &format!("\"{OF_GLUE}\": "),
        &format!("{MODULE}: "),
    )?;
    Ok(glue)
}

fn replace_once(text: &mut String, from: &str, to: &str) -> Result<()> {
    let count = text.matches(from).count();
    ensure!(count == 1, "the glue has {from:?} {count} times");
    *text = text.replacen(from, to, 1);
    Ok(())
}

fn is_of_word(one: char) -> bool {
    one.is_ascii_alphanumeric() || "_$".contains(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "\
import * as import1 from \"./file.js\"
function run(n) { wasm.run(run, wasm.run); fetch('x_bg.wasm.br'); }
function imports() {
    const import0 = {
        __proto__: null,
        __wbg_a_1: function(arg0) {
            return run(arg0, __wbg_a_1);
        },
        __wbg_b_2: function() { return caught(function () {}); },
    };
    return {
        __proto__: null,
        \"./alo_chat_bg.js\": import0,
        \"./file.js\": import1,
    };
}
wasm = instance.exports;
use(instance.exports.memory);
";

    fn names(text: &str) -> Names {
        Names::parse(text).unwrap()
    }

    fn all() -> Names {
        names(
            r#"{"imports": [["./alo_chat_bg.js", "__wbg_a_1", "b"], ["./file.js", "tell", "d"],
                            ["./alo_chat_bg.js", "__wbg_b_2", "c"]],
                "exports": [["run", "e"], ["memory", "$"], ["__abort_handler", "f"],
                            ["__instance_terminated", "g"]]}"#,
        )
    }

    #[test]
    fn imports_exports_and_modules_are_renamed_and_nothing_else() {
        assert_eq!(
            rename(GLUE, &all()).unwrap(),
            "\
import * as import1 from \"./file.js\"
function run(n) { wasm.e(run, wasm.e); fetch('x_bg.wasm.br'); }
function imports() {
    const import0 = {
        __proto__: null,
        d: import1.tell,
        b(arg0) {
            return run(arg0, __wbg_a_1);
        },
        c() { return caught(function () {}); },
    };
    return {
        __proto__: null,
        a: import0,
    };
}
wasm = instance.exports;
use(instance.exports.$);
"
        );
    }

    /// Why the glue is refused, with another text in it or with other names.
    fn refused(from: &str, to: &str, change: impl FnOnce(&mut Names)) -> String {
        let mut names = all();
        change(&mut names);
        rename(&GLUE.replace(from, to), &names)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_import_that_only_one_of_them_has_is_refused() {
        let more = |names: &mut Names| {
            let import = (OF_GLUE.to_owned(), "__wbg_c_3".to_owned(), "h".to_owned());
            names.imports.push(import);
        };
        assert!(refused("", "", more).contains("__wbg_c_3"));
        let error = refused("__wbg_b_2: f", "__wbg_c_3: f", |_| ());
        assert!(error.contains("__wbg_c_3"), "{error}");
        let error = refused("__wbg_b_2: f", "__wbg_a_1: f", |_| ());
        assert!(error.contains("each import once"), "{error}");
        assert!(refused("\"./file.js\": import1", "", |_| ()).contains("./file.js"));
    }

    #[test]
    fn an_export_that_only_one_of_them_has_is_refused() {
        let error = refused("wasm.run(run", "wasm.walk(run", |_| ());
        assert!(error.contains("wasm.walk"), "{error}");
        let error = refused("exports.memory", "exports.storage", |_| ());
        assert!(error.contains("instance.exports.storage"), "{error}");
        let more = |names: &mut Names| names.exports.push(("stop".to_owned(), "h".to_owned()));
        assert!(refused("", "", more).contains("stop"));
        let less = |names: &mut Names| names.exports.retain(|(name, _)| name != "__abort_handler");
        assert!(refused("", "", less).contains("__abort_handler"));
    }

    #[test]
    fn the_module_is_named_once() {
        assert!(refused("\"./alo_chat_bg.js\": ", "\"./other.js\": ", |_| ()).contains(OF_GLUE));
    }
}
