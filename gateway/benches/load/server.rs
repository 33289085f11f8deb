//! The measured programs: started, asked what they use, stopped.

use std::{fs, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{Result, Setup};

const API_KEY: &str = "a key of 32 bytes for measurements";
const PATIENCE: Duration = Duration::from_secs(20);

/// A server in a process of its own, killed when dropped.
pub struct Server {
    child: Child,
    /// Host and port.
    pub address: String,
    data: Option<TempDir>,
}

/// What the system holds for a process, bytes.
pub struct Memory {
    /// Resident.
    pub rss: u64,
    /// Resident, with what is shared counted in part.
    pub pss: u64,
}

impl Server {
    /// A gateway over an empty folder.
    pub async fn gateway(setup: &Setup) -> Result<Self> {
        Self::gateway_with(setup, &[]).await
    }

    /// The same, with further flags.
    pub async fn gateway_with(setup: &Setup, flags: &[&str]) -> Result<Self> {
        let data = TempDir::new_in(&setup.folder)?;
        let mut server = Self::start_gateway(setup, data.path(), flags).await?;
        server.data = Some(data);
        Ok(server)
    }

    /// A gateway over a folder that stays.
    pub async fn gateway_over(setup: &Setup, data: &Path) -> Result<Self> {
        Self::start_gateway(setup, data, &[]).await
    }

    async fn start_gateway(setup: &Setup, data: &Path, flags: &[&str]) -> Result<Self> {
        let mut command = Command::new(&setup.gateway);
        command
            .args(["--listen", "127.0.0.1:0", "--api-key", API_KEY, "--data"])
            .arg(data)
            .args(flags)
            .env("RUST_LOG", "warn")
            .env(
                "ALO_UNLIMITED",
                if setup.is_limited { "false" } else { "true" },
            );
        Self::start(command).await
    }

    /// The bare server of this program.
    pub async fn bare() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare-server");
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output of the server")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = loop {
            let line = timeout(PATIENCE, lines.next_line()).await??;
            let line = line.ok_or("the server ended before it listened")?;
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_owned();
            }
        };
        Ok(Self {
            child,
            address,
            data: None,
        })
    }

    /// A token for these channels.
    pub async fn token(&self, user: &str, channels: &[&str]) -> Result<String> {
        let answer: Value = reqwest::Client::new()
            .post(format!("http://{}/v1/auth", self.address))
            .bearer_auth(API_KEY)
            .json(&json!({"user": {"id": user}, "channelIds": channels}))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Processor time it has used.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.proc("stat")?)?;
        // The second field is a name in brackets; times are the 14th and 15th.
        let (_, fields) = stat.rsplit_once(')').ok_or("an odd /proc/PID/stat")?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u64>)
            .sum::<std::result::Result<_, _>>()?;
        Ok(Duration::from_secs_f64(
            ticks as f64 / clock_ticks_per_second() as f64,
        ))
    }

    /// Memory it has.
    pub fn memory(&self) -> Result<Memory> {
        let rollup = fs::read_to_string(self.proc("smaps_rollup")?)?;
        let read = |name: &str| -> Result<u64> {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next());
            Ok(kib.ok_or("an odd /proc/PID/smaps_rollup")?.parse::<u64>()? * 1_024)
        };
        Ok(Memory {
            rss: read("Rss:")?,
            pss: read("Pss:")?,
        })
    }

    /// Ends it.
    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        if let Some(data) = self.data.take() {
            data.close()?;
        }
        Ok(())
    }

    fn proc(&self, file: &str) -> Result<std::path::PathBuf> {
        let id = self.child.id().ok_or("the server has ended")?;
        Ok(Path::new("/proc").join(id.to_string()).join(file))
    }
}

/// As many open files as the system lets this process, and those it starts, have.
pub fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Too low a limit shows when a socket is refused.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Bytes that the disk of a folder has left; `None` where that is not known.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail * disk.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

const fn clock_ticks_per_second() -> u64 {
    // USER_HZ: the unit of /proc/PID/stat on every platform of Linux.
    100
}
