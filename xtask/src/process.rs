//! Runs programs: to their end, line by line, or as services in the background.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc::Sender},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a service may take to stop when asked; then it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Running processes, to be ended with this one.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Runs a program to its end; its output is shown.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let mut child = Tracked::spawn(command)?;
    check(&shown, child.wait()?)
}

/// Runs a program to its end and passes on each line of its standard output, which is printed too.
pub fn run_lines(command: &mut Command, mut seen: impl FnMut(&str)) -> Result<ExitStatus> {
    println!("$ {}", shown(command));
    let mut child = Tracked::spawn(command.stdout(Stdio::piped()))?;
    if let Some(output) = child.child.stdout.take() {
        for_each_line(output, |line| {
            println!("{line}");
            seen(line);
        });
    }
    child.wait()
}

/// What a program prints on standard output.
pub fn capture(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {shown}"))?;
    check(&shown, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// On Ctrl-C or SIGTERM: calls `before`, asks every running process to end, calls `after`.
pub fn on_interrupt(
    mut before: impl FnMut() + Send + 'static,
    mut after: impl FnMut() + Send + 'static,
) -> Result<()> {
    ctrlc::set_handler(move || {
        before();
        for pid in locked(&RUNNING).iter() {
            // It may have ended a moment ago: then there is nothing to do.
            let _ = kill_process(*pid, Signal::TERM);
        }
        after();
    })
    .context("listening for Ctrl-C")
}

/// What happened to services.
#[derive(Debug)]
pub enum Event {
    /// They are asked to end, by Ctrl-C or SIGTERM.
    Interrupted,
    /// It printed a line on standard output.
    Line(String),
    /// It ended.
    Ended {
        /// Which one.
        service: &'static str,
        /// How.
        status: ExitStatus,
    },
}

/// A program that runs in the background and ends with this value.
#[derive(Debug)]
pub struct Service {
    pid: Pid,
    ended: Arc<(Mutex<bool>, Condvar)>,
}

impl Service {
    /// Starts a program; what it prints on standard output, and its end, go to `events`.
    pub fn start(name: &'static str, command: &mut Command, events: Sender<Event>) -> Result<Self> {
        let mut child = Tracked::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))
            .with_context(|| format!("starting {name}"))?;
        let pid = child.pid;
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let signal = Arc::clone(&ended);
        thread::spawn(move || {
            if let Some(output) = child.child.stdout.take() {
                // Even if the receiver is gone the pipe must be read.
                for_each_line(output, |line| {
                    let _ = events.send(Event::Line(line.to_owned()));
                });
            }
            let status = child.wait();
            *locked(&signal.0) = true;
            signal.1.notify_all();
            if let Ok(status) = status {
                let _ = events.send(Event::Ended {
                    service: name,
                    status,
                });
            }
        });
        Ok(Self { pid, ended })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            let ended = locked(&self.ended.0);
            if *ended {
                return;
            }
            let _ = kill_process(self.pid, signal);
            let waited = self
                .ended
                .1
                .wait_timeout_while(ended, GRACE, |ended| !*ended);
            drop(waited);
        }
    }
}

/// A child that is known to [`on_interrupt`] for as long as it runs.
struct Tracked {
    child: Child,
    pid: Pid,
}

impl Tracked {
    fn spawn(command: &mut Command) -> Result<Self> {
        let mut running = locked(&RUNNING);
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", shown(command)))?;
        let pid = Pid::from_child(&child);
        running.push(pid);
        Ok(Self { child, pid })
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        locked(&RUNNING).retain(|pid| *pid != self.pid);
        status.context("waiting for a program")
    }
}

fn for_each_line(output: impl Read, mut line: impl FnMut(&str)) {
    // Lines that are not UTF-8 are shown lossily.
    for bytes in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        line(String::from_utf8_lossy(&bytes).trim_end_matches('\r'));
    }
}

fn check(shown: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The lists under these locks are consistent after every statement, so a panic elsewhere does no damage.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn lines_and_the_status_come_back() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let status = run_lines(&mut command, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_failure_names_the_program() {
        let error = run(Command::new("sh").args(["-c", "exit 4"])).unwrap_err();
        assert!(error.to_string().contains("sh -c exit 4"), "{error}");
    }

    #[test]
    fn a_service_ends_with_its_value() {
        let (sender, events) = mpsc::channel();
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 600"]);
        let service = Service::start("sleeper", &mut command, sender).unwrap();
        assert!(matches!(events.recv().unwrap(), Event::Line(line) if line == "ready"));
        drop(service);
        assert!(
            matches!(events.recv().unwrap(), Event::Ended { service: "sleeper", status } if !status.success())
        );
    }
}
