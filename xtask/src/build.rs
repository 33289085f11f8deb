//! `cargo xtask build`: the npm package in pkg/.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{glue, install, module, process, workspace};

/// The placeholder for the version in the template.
const VERSION_IN_TEMPLATE: &str = "0.0.0-template";

/// `opt-level = "z"` applies only to our crates: the standard library is precompiled for speed, and inlining it
/// costs more than it saves. From 8 to 15 the module is smallest.
const INLINING: &str = "-Cllvm-args=-inline-threshold=10";

/// Listed one by one: with all of wasm-opt's features Chromium refuses the module.
const WASM_FEATURES: [&str; 8] = [
    "--mvp-features",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-multivalue",
];

/// Makes pkg/; a failure leaves the earlier one as it was.
pub fn run() -> Result<()> {
    install::wasm_target()?;
    install::wasm_bindgen()?;
    install::npm_tools()?;

    process::run(
        workspace::cargo()?
            .args([
                "build",
                "--package",
                "alo-chat",
                "--lib",
                "--profile",
                "wasm",
                "--target",
                workspace::WASM_TARGET,
                "--config",
                &format!(
                    "target.{}.rustflags=[\"{INLINING}\"]",
                    workspace::WASM_TARGET
                ),
            ])
            // If set, it would compile the module in separate parts, against the profile.
            .env("CARGO_INCREMENTAL", "0"),
    )?;
    let module = workspace::target()
        .join(workspace::WASM_TARGET)
        .join("wasm/alo_chat.wasm");

    let work = tempfile::Builder::new()
        .prefix(".pkg-")
        .tempdir_in(workspace::root())?;
    let package = work.path().join("pkg");
    engine(&module, &package)?;
    template(&package)?;

    let place = workspace::package();
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("removing {}", place.display()))?;
    }
    fs::rename(&package, &place).with_context(|| format!("creating {}", place.display()))?;
    println!("made {}", place.display());
    Ok(())
}

/// Where a build leaves the module with the names of its functions.
pub fn named_module() -> PathBuf {
    workspace::target().join("xtask/alo_chat.named.wasm")
}

/// The module, its glue and the module as JavaScript.
///
/// The module is next to the loader: bundlers that keep `new URL` as it is, such as esbuild, then expect it
/// next to the bundle.
fn engine(module: &Path, package: &Path) -> Result<()> {
    let folder = &package.join("engine");
    fs::create_dir_all(folder)?;
    process::run(
        Command::new(workspace::tool("wasm-bindgen")?)
            .args(["--target", "web", "--no-typescript"])
            .arg("--remove-producers-section")
            // The loaders name the module; here it would pull the file into the inline variant.
            .arg("--omit-default-module-path")
            .args(["--out-name", "alo_chat", "--out-dir"])
            .arg(folder)
            .arg(module),
    )?;
    let raw = folder.join("alo_chat_bg.wasm");
    fs::write(&raw, module::slim(&fs::read(&raw)?)?)?;

    let wasm = package.join("alo_chat_bg.wasm");
    let named = named_module();
    if let Some(folder) = named.parent() {
        fs::create_dir_all(folder)?;
    }
    process::run(optimise(&raw, &named).args(["--converge", "--debuginfo"]))?;
    let names = process::capture(optimise(&named, &wasm).args([
        "--reorder-functions-by-name",
        "--strip-debug",
        "--strip-producers",
        "--strip-target-features",
        // Last, as it prints the names that are left.
        glue::MINIFY,
    ]))?;
    let script = folder.join("alo_chat.js");
    let names = glue::Names::parse(&names)?;
    fs::write(
        &script,
        glue::rename(&fs::read_to_string(&script)?, &names)?,
    )?;
    fs::remove_file(&raw)?;
    let bytes = fs::read(&wasm).with_context(|| format!("reading {}", wasm.display()))?;
    fs::write(
        folder.join("wasm_inline.js"),
        format!(
            "// alo_chat_bg.wasm as base64.\nexport default \"{}\";\n",
            STANDARD.encode(bytes)
        ),
    )?;
    Ok(())
}

/// wasm-opt from one file to another.
fn optimise(from: &Path, to: &Path) -> Command {
    let mut command = workspace::npm_tool("binaryen/bin/wasm-opt");
    command
        .arg(from)
        .arg("-o")
        .arg(to)
        .args(WASM_FEATURES)
        // The lowest kilobyte of the memory is the last of the stack.
        .args(["-Oz", "--low-memory-unused"]);
    command
}

/// The hand-written part, with the version, and the licences.
fn template(package: &Path) -> Result<()> {
    let root = workspace::root();
    let template = root.join("pkg-template");
    copy_template(&template, package)?;
    let carried: &[&str] = if template.join("README.md").exists() {
        &["LICENSE-MIT", "LICENSE-APACHE"]
    } else {
        &["LICENSE-MIT", "LICENSE-APACHE", "README.md"]
    };
    for name in carried {
        let from = root.join(name);
        fs::copy(&from, package.join(name))
            .with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(())
}

/// A folder of the template with all below it.
fn copy_template(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_template(&entry.path(), &place)?;
            continue;
        }
        let text = fs::read_to_string(entry.path())
            .with_context(|| format!("reading {}", entry.path().display()))?;
        fs::write(place, text.replace(VERSION_IN_TEMPLATE, workspace::VERSION))?;
    }
    Ok(())
}
