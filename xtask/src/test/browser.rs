//! The SDK's browser tests in one engine, against a real gateway.

use std::process::Command;

use anyhow::Result;

use super::count::Count;
use crate::{
    gateway::Gateway,
    install::{self, Engine},
    process, workspace,
};

/// How long all tests of an engine may take, in seconds.
const TESTS: &str = "300";

/// How long a driver or a browser may take to start, in seconds.
const START: &str = "60";

pub fn run(engine: Engine, gateway: &Gateway) -> Result<Count> {
    install::wasm_target()?;
    install::wasm_bindgen()?;
    install::engine(engine)?;

    // Built first, so that compiling is not part of the time a browser has.
    let mut build = tests(workspace::cargo()?, gateway);
    process::run(build.arg("--no-run"))?;

    let mut command = tests(in_session(engine, workspace::cargo()?), gateway);
    for other in Engine::ALL {
        // The runner takes the first driver it finds in its environment.
        command.env_remove(other.driver_variable());
    }
    command
        .env(engine.driver_variable(), install::driver(engine)?)
        .env("WASM_BINDGEN_TEST_TIMEOUT", TESTS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", START);
    let mut count = Count::default();
    let status = process::run_lines(&mut command, |line| count.add_rust_line(line))?;
    Ok(count.ended(status))
}

/// A program, where it can open a window: WebKit has no headless mode, so it gets a display and a bus of
/// its own.
pub fn in_session(engine: Engine, command: Command) -> Command {
    match engine {
        Engine::Chromium | Engine::Firefox => command,
        Engine::Webkit => {
            let mut session = Command::new("xvfb-run");
            session
                .args(["--auto-servernum", "dbus-run-session", "--"])
                .arg(command.get_program())
                .args(command.get_args())
                .current_dir(workspace::root());
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => session.env(name, value),
                    None => session.env_remove(name),
                };
            }
            session
        }
    }
}

/// The tests know the gateway from the environment in which they are compiled.
fn tests(mut command: Command, gateway: &Gateway) -> Command {
    command
        .args(["test", "--package", "alo-chat", "--test", "browser"])
        .args(["--target", workspace::WASM_TARGET])
        .env("ALO_TEST_ENDPOINT", &gateway.endpoint)
        .env("ALO_TEST_API_KEY", &gateway.api_key);
    command
}
