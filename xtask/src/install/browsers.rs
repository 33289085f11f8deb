//! The browser engines of the tests and their drivers, from the system's packages.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use super::tools;
use crate::{process, workspace};

/// A browser engine the tests run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chrome's and Edge's.
    Chromium,
    /// Firefox's.
    Firefox,
    /// Safari's, here as WebKitGTK.
    Webkit,
}

impl Engine {
    /// All engines, in the order they are tested.
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::Webkit];

    /// Their names.
    pub const NAMES: [&'static str; 3] = [
        Self::Chromium.name(),
        Self::Firefox.name(),
        Self::Webkit.name(),
    ];

    /// The name of its test step.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
        }
    }

    /// The variable with which wasm-bindgen's test runner finds the driver.
    pub const fn driver_variable(self) -> &'static str {
        match self {
            Self::Chromium => "CHROMEDRIVER",
            Self::Firefox => "GECKODRIVER",
            Self::Webkit => "SAFARIDRIVER",
        }
    }

    const fn programs(self) -> &'static [Program] {
        match self {
            Self::Chromium => &[CHROMIUM, CHROMEDRIVER],
            Self::Firefox => &[FIREFOX],
            Self::Webkit => &[WEBKIT_DRIVER, XVFB_RUN, XAUTH, DBUS_RUN_SESSION],
        }
    }
}

/// A program of the system, its possible names and its package.
#[derive(Clone, Copy, Debug)]
struct Program {
    names: &'static [&'static str],
    package: &'static str,
    /// A variable with its path, for systems that have it elsewhere.
    variable: Option<&'static str>,
}

const CHROMIUM: Program = Program {
    names: &["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
    variable: Some("ALO_CHROMIUM"),
};
const CHROMEDRIVER: Program = Program {
    names: &["chromedriver"],
    package: "chromium-driver",
    variable: Some("CHROMEDRIVER"),
};
const FIREFOX: Program = Program {
    names: &["firefox", "firefox-esr"],
    package: "firefox-esr",
    variable: None,
};
const WEBKIT_DRIVER: Program = Program {
    names: &["WebKitWebDriver"],
    package: "webkit2gtk-driver",
    variable: Some("SAFARIDRIVER"),
};
const XVFB_RUN: Program = Program {
    names: &["xvfb-run"],
    package: "xvfb",
    variable: None,
};
const XAUTH: Program = Program {
    names: &["xauth"],
    package: "xauth",
    variable: None,
};
const DBUS_RUN_SESSION: Program = Program {
    names: &["dbus-run-session"],
    package: "dbus",
    variable: None,
};

/// Installs an engine and its driver, if they are missing.
pub fn engine(engine: Engine) -> Result<()> {
    ensure(engine.name(), engine.programs())?;
    match engine {
        Engine::Firefox => tools::geckodriver(),
        Engine::Chromium | Engine::Webkit => Ok(()),
    }
}

/// The driver of an engine that [`engine`] has installed.
pub fn driver(engine: Engine) -> Result<PathBuf> {
    match engine {
        Engine::Chromium => required(&CHROMEDRIVER),
        Engine::Webkit => required(&WEBKIT_DRIVER),
        Engine::Firefox => match env::var_os("GECKODRIVER") {
            Some(path) => Ok(path.into()),
            None => workspace::tool("geckodriver"),
        },
    }
}

/// Chromium itself, installed if it is missing.
pub fn chromium() -> Result<PathBuf> {
    ensure("chromium", &[CHROMIUM])?;
    required(&CHROMIUM)
}

fn ensure(name: &str, programs: &[Program]) -> Result<()> {
    let missing = |programs: &[Program]| -> Vec<&'static str> {
        let absent = programs.iter().filter(|program| find(program).is_none());
        absent.map(|program| program.package).collect()
    };
    let packages = missing(programs);
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_debian() || !rustix::process::geteuid().is_root() {
        bail!(
            "{name} is not complete: install {list} (as root on Debian or Ubuntu: apt-get install \
             {list}), or leave it out with --skip {name}"
        );
    }
    apt_install(&packages)?;
    let still = missing(programs);
    if !still.is_empty() {
        bail!(
            "the packages {list} do not contain all of {name} on this system ({} missing); install it \
             by hand, or leave it out with --skip {name}",
            still.join(" ")
        );
    }
    Ok(())
}

fn apt_install(packages: &[&str]) -> Result<()> {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    process::run(apt().args(["update", "--quiet"]))?;
    process::run(
        apt()
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(packages),
    )
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    debian_like(&release) && on_path("apt-get").is_some()
}

fn debian_like(release: &str) -> bool {
    let words = release.lines().filter_map(|line| {
        line.strip_prefix("ID=")
            .or_else(|| line.strip_prefix("ID_LIKE="))
    });
    words
        .flat_map(|value| value.trim_matches('"').split(' '))
        .any(|word| word == "debian" || word == "ubuntu")
}

fn required(program: &Program) -> Result<PathBuf> {
    match find(program) {
        Some(path) => Ok(path),
        None => bail!("{} is missing", program.names[0]),
    }
}

fn find(program: &Program) -> Option<PathBuf> {
    let named = program.variable.and_then(env::var_os).map(PathBuf::from);
    named
        .filter(|path| path.is_file())
        .or_else(|| program.names.iter().find_map(|name| on_path(name)))
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_kin_are_known() {
        assert!(debian_like("NAME=\"Debian\"\nID=debian\n"));
        assert!(debian_like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!debian_like("ID=fedora\nNAME=\"debian\"\n"));
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-such-program-anywhere").is_none());
    }
}
