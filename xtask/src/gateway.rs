//! A gateway for tests: on a free port, with data of its own, gone with the value.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    process::{self, Event, Service},
    workspace,
};

/// The line in which a gateway prints its address.
pub const LISTENING: &str = "listening on ";

/// How long a gateway may take to start.
const START: Duration = Duration::from_secs(30);

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// Such as `http://127.0.0.1:40123`.
    pub endpoint: String,
    /// The API key for `POST /v1/auth`.
    pub api_key: String,
    // Fields drop in this order: the gateway ends before its data is removed.
    _service: Service,
    _data: TempDir,
}

/// Builds the gateway and returns its path.
pub fn build(release: bool) -> Result<PathBuf> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "alo-gateway", "--bin", "alo-gateway"]);
    if release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    let profile = if release { "release" } else { "debug" };
    Ok(workspace::target().join(profile).join("alo-gateway"))
}

/// A secret for one run.
pub fn new_api_key() -> Result<String> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).context("asking the system for random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Gateway {
    /// Starts `binary`; its log goes to `log`.
    pub fn start(binary: &Path, log: &Path) -> Result<Self> {
        let data = TempDir::with_prefix("alo-chat-test-")?;
        let api_key = new_api_key()?;
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let log_file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut command = Command::new(binary);
        command
            .args(["--listen", "127.0.0.1:0", "--api-key", &api_key, "--data"])
            .arg(data.path())
            // One user, and one machine, do what many do elsewhere.
            .env("ALO_UNLIMITED", "true")
            .stderr(log_file);
        let (sender, events) = mpsc::channel();
        let service = Service::start("the gateway", &mut command, sender)?;
        let deadline = Instant::now() + START;
        let endpoint = loop {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Line(line)) => {
                    if let Some(endpoint) = line.strip_prefix(LISTENING) {
                        break endpoint.trim().to_owned();
                    }
                }
                // Then this process ends too.
                Ok(Event::Interrupted) => {}
                Ok(Event::Ended { status, .. }) => {
                    bail!("the gateway ended ({status}); see {}", log.display());
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    bail!("the gateway did not listen; see {}", log.display());
                }
            }
        };
        Ok(Self {
            endpoint,
            api_key,
            _service: service,
            _data: data,
        })
    }
}
