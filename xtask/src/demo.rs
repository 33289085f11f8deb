//! `cargo xtask demo`: a gateway and the example chat, until Ctrl-C.

use std::{
    process::Command,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    build, example, gateway, process,
    process::{Event, Service},
    workspace,
};

/// Ctrl-C reaches all processes in the terminal at once: a service may have ended before this process knows
/// why.
const INTERRUPT_LAG: Duration = Duration::from_secs(1);

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub struct Options {
    /// Where the page is served
    #[arg(long, default_value_t = 5173)]
    port: u16,
    /// Where the gateway listens
    #[arg(long, default_value_t = 8787)]
    gateway_port: u16,
}

/// Builds everything, starts both and waits.
pub fn run(options: &Options) -> Result<()> {
    build::run()?;
    example::build()?;
    let binary = gateway::build(true)?;

    let (sender, events) = mpsc::channel();
    let interrupted = sender.clone();
    process::on_interrupt(
        // Without a receiver the demo is over anyway.
        move || drop(interrupted.send(Event::Interrupted)),
        || (),
    )?;

    let api_key = gateway::new_api_key()?;
    let listen = format!("127.0.0.1:{}", options.gateway_port);
    let mut command = Command::new(binary);
    command
        .args(["--listen", &listen, "--data"])
        .arg(workspace::root().join(".demo"))
        .env("ALO_API_KEY", &api_key);
    let _gateway = Service::start("the gateway", &mut command, sender.clone())?;
    let Some(endpoint) = address(&events, gateway::LISTENING)? else {
        return Ok(());
    };

    let mut command = example::server(&endpoint, &api_key, options.port);
    let _example = Service::start("the example's server", &mut command, sender)?;
    let Some(page) = address(&events, example::SERVING)? else {
        return Ok(());
    };

    println!("\n  The chat:    {page}");
    println!("  The gateway: {endpoint}\n");
    println!("  Open the page in two windows, sign in under two names and write to each other.");
    println!("  Messages and files are kept in .demo/. Ctrl-C stops both.\n");

    match wait(&events, |_| None::<()>)? {
        Waited::Interrupted | Waited::Found(()) => {
            println!("\nstopped");
            Ok(())
        }
        Waited::Ended(how) => bail!("{how}"),
    }
}

/// What follows `prefix` on the first line that starts so; `None` if Ctrl-C came first.
fn address(events: &Receiver<Event>, prefix: &str) -> Result<Option<String>> {
    let after = |line: &str| Some(line.strip_prefix(prefix)?.trim().to_owned());
    match wait(events, after)? {
        Waited::Found(address) => Ok(Some(address)),
        Waited::Interrupted => Ok(None),
        Waited::Ended(how) => bail!("{how} before it could be used; is its port taken?"),
    }
}

enum Waited<T> {
    Found(T),
    Interrupted,
    Ended(String),
}

/// Prints lines until one is found, Ctrl-C is pressed or a service ends.
fn wait<T>(events: &Receiver<Event>, find: impl Fn(&str) -> Option<T>) -> Result<Waited<T>> {
    loop {
        match events.recv().context("nothing runs any more")? {
            Event::Line(line) => {
                println!("{line}");
                if let Some(found) = find(&line) {
                    return Ok(Waited::Found(found));
                }
            }
            Event::Interrupted => return Ok(Waited::Interrupted),
            Event::Ended { service, status } => {
                return Ok(if was_interrupted(events) {
                    Waited::Interrupted
                } else {
                    Waited::Ended(format!("{service} ended by itself ({status})"))
                });
            }
        }
    }
}

fn was_interrupted(events: &Receiver<Event>) -> bool {
    while let Ok(event) = events.recv_timeout(INTERRUPT_LAG) {
        match event {
            Event::Interrupted => return true,
            Event::Line(line) => println!("{line}"),
            Event::Ended { .. } => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use super::*;

    fn ended() -> Event {
        Event::Ended {
            service: "the gateway",
            status: ExitStatus::from_raw(0),
        }
    }

    #[test]
    fn the_address_is_what_follows_the_prefix() {
        let (sender, events) = mpsc::channel();
        for line in ["a log", "listening on http://127.0.0.1:1"] {
            sender.send(Event::Line(line.to_owned())).unwrap();
        }
        let found = address(&events, gateway::LISTENING).unwrap();
        assert_eq!(found.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn an_end_by_itself_is_told_from_one_by_ctrl_c() {
        let (sender, events) = mpsc::channel();
        sender.send(ended()).unwrap();
        sender.send(Event::Interrupted).unwrap();
        assert!(address(&events, "x").unwrap().is_none());
        sender.send(ended()).unwrap();
        drop(sender);
        let error = address(&events, "x").unwrap_err().to_string();
        assert!(error.starts_with("the gateway ended by itself"), "{error}");
    }
}
