//! The sizes of popular clients, bundled the same way.

use std::fs;

use anyhow::{Context, Result};

use super::bundle::{Sizes, bundle};
use crate::{install, workspace};

/// Each with everything that a chat with it needs; `tests/bench/package.json` has the versions.
const PEERS: [&[&str]; 7] = [
    &["@ably/chat", "ably"],
    &["stream-chat"],
    &["@twilio/conversations"],
    // Channels and messages are modules of their own there.
    &[
        "@sendbird/chat",
        "@sendbird/chat/groupChannel",
        "@sendbird/chat/openChannel",
        "@sendbird/chat/message",
    ],
    &["@pubnub/chat"],
    &["matrix-js-sdk"],
    // Not a chat: only transport and uploads.
    &["centrifuge", "tus-js-client"],
];

/// Name and sizes of each.
pub fn measure() -> Result<Vec<(String, Sizes)>> {
    let folder = workspace::tests().join("bench");
    install::npm_ci(&folder)?;
    let work = tempfile::tempdir()?;
    let entry = work.path().join("peer.js");
    PEERS
        .into_iter()
        .map(|modules| {
            let imports = modules
                .iter()
                .enumerate()
                .map(|(number, name)| {
                    format!("import * as m{number} from \"{name}\";\nexport {{ m{number} }};\n")
                })
                .collect::<String>();
            fs::write(&entry, imports)?;
            let bundle = bundle(&entry, &folder).with_context(|| modules[0].to_owned())?;
            let packages: Vec<_> = modules
                .iter()
                .filter(|name| {
                    folder
                        .join("node_modules")
                        .join(name)
                        .join("package.json")
                        .is_file()
                })
                .map(|name| version(&folder.join("node_modules").join(name), name))
                .collect::<Result<_>>()?;
            Ok((packages.join(" + "), bundle.at_once))
        })
        .collect()
}

fn version(package: &std::path::Path, name: &str) -> Result<String> {
    let manifest = fs::read(package.join("package.json"))?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest)?;
    let version = manifest["version"].as_str().unwrap_or_default();
    Ok(format!("{name} {version}").trim_end().to_owned())
}
