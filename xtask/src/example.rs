//! The example chat: its build and its server.

use std::process::Command;

use anyhow::Result;

use crate::{install, process, workspace};

/// The line in which the example's server prints its address.
pub const SERVING: &str = "example on ";

/// Builds the example against pkg/, which must have been made.
pub fn build() -> Result<()> {
    let folder = workspace::root().join("www-example");
    install::npm_ci(&folder)?;
    process::run(
        Command::new("npm")
            .args(["run", "build"])
            .current_dir(&folder),
    )
}

/// The example's server, which also makes tokens.
pub fn server(endpoint: &str, api_key: &str, port: u16) -> Command {
    let mut command = Command::new("node");
    command
        .arg("server.mjs")
        .current_dir(workspace::root().join("www-example"))
        .env("ALO_ENDPOINT", endpoint)
        .env("ALO_API_KEY", api_key)
        .env("PORT", port.to_string());
    command
}
