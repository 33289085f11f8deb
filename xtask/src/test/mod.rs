//! `cargo xtask test`: every check and test as a named step, counted one by one.

mod browser;
mod claims;
mod count;
mod floors;
mod lints;
mod node;
mod package;
mod rust;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Args;

use self::count::Count;
use crate::{
    build, docs, example, gateway, gateway::Gateway, install::Engine, process, sim, size, workspace,
};

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct Options {
    /// A step to leave out, by name; can be repeated
    #[arg(long, value_name = "NAME", value_parser = names())]
    skip: Vec<String>,
    /// Runs only this step, and those it needs; can be repeated
    #[arg(long, value_name = "NAME", value_parser = names())]
    only: Vec<String>,
}

/// A step; the steps it needs must have passed.
struct Step {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(&mut Shared) -> Result<Count>,
}

/// Steps of the simulation; its seeds are the same every time.
const SIMULATED_STEPS: &str = "5000000";

const STEPS: [Step; 21] = [
    step("fmt", &[], |_| rust::fmt()),
    step("clippy", &[], |_| rust::clippy()),
    step("lints", &[], |_| lints::check()),
    step("floors", &[], |_| Ok(Count::check(floors::check()))),
    step("claims", &[], |_| Ok(Count::check(claims::check()))),
    step("docs", &[], |_| rust::docs()),
    step("registry", &[], |_| {
        Ok(docs::check()
            .map(Count::check)
            .fold(Count::default(), |sum, one| sum + one))
    }),
    step("native", &[], |_| rust::native()),
    step("sim", &[], |_| {
        let arguments = ["--steps", SIMULATED_STEPS];
        Ok(Count::check(sim::simulate(arguments)))
    }),
    step("build", &[], |_| Ok(Count::check(build::run()))),
    step("size", &["build"], |_| Ok(Count::check(size::check()))),
    step("publint", &["build"], |_| package::publint()),
    step("attw", &["build"], |_| package::attw()),
    step("types", &["build"], |_| node::types()),
    step("gateway", &[], Shared::start_gateway),
    step("chromium", &["build", "gateway"], |shared| {
        shared.engine(Engine::Chromium)
    }),
    step("firefox", &["build", "gateway"], |shared| {
        shared.engine(Engine::Firefox)
    }),
    step("webkit", &["build", "gateway"], |shared| {
        shared.engine(Engine::Webkit)
    }),
    step("packaging", &["build", "gateway"], node::packaging),
    step("example", &["build"], |_| {
        let built = Count::check(example::build());
        Ok(built + node::example()?)
    }),
    step("e2e", &["build", "gateway", "example"], node::e2e),
];

const fn step(
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(&mut Shared) -> Result<Count>,
) -> Step {
    Step { name, needs, run }
}

fn names() -> [&'static str; STEPS.len()] {
    STEPS.map(|step| step.name)
}

/// What steps pass on to later ones.
struct Shared {
    gateway: Option<(PathBuf, Gateway)>,
}

impl Shared {
    fn start_gateway(&mut self) -> Result<Count> {
        let binary = gateway::build(false)?;
        let log = workspace::target().join("xtask/gateway.log");
        let gateway = Gateway::start(&binary, &log)?;
        println!("a gateway for the tests at {}", gateway.endpoint);
        self.gateway = Some((binary, gateway));
        Ok(Count::passed(1))
    }

    /// The SDK's own tests in an engine, and the packed package.
    fn engine(&self, engine: Engine) -> Result<Count> {
        let gateway = self.gateway()?;
        let sdk = browser::run(engine, gateway)?;
        Ok(sdk + node::engine(engine, gateway)?)
    }

    fn gateway(&self) -> Result<&Gateway> {
        let (_, gateway) = self.gateway.as_ref().context("no gateway was started")?;
        Ok(gateway)
    }

    fn gateway_binary(&self) -> Result<&PathBuf> {
        let (binary, _) = self.gateway.as_ref().context("no gateway was built")?;
        Ok(binary)
    }
}

/// How a step ended.
enum Outcome {
    Ran(Count),
    Broken(anyhow::Error),
    LeftOut,
    NeedsFailed(&'static str),
}

impl Outcome {
    fn count(&self) -> Count {
        match self {
            Self::Ran(count) => *count,
            Self::Broken(_) => Count::failed(1),
            Self::LeftOut | Self::NeedsFailed(_) => Count::skipped(1),
        }
    }

    fn is_good(&self) -> bool {
        match self {
            Self::Ran(count) => count.failed == 0,
            Self::Broken(_) | Self::LeftOut | Self::NeedsFailed(_) => false,
        }
    }
}

/// Runs the steps in order; one that fails does not stop those that do not need it. Returns whether
/// all passed.
pub fn run(options: &Options) -> Result<bool> {
    process::on_interrupt(|| (), || std::process::exit(130))?;
    let mut shared = Shared { gateway: None };
    let mut done: Vec<(&'static str, Outcome, Duration)> = Vec::new();
    for step in &STEPS {
        if !wanted(step.name, &options.only) {
            continue;
        }
        let started = Instant::now();
        let lacks = step.needs.iter().find(|need| {
            !done
                .iter()
                .any(|(name, outcome, _)| name == *need && outcome.is_good())
        });
        let outcome = if options.skip.iter().any(|name| name == step.name) {
            Outcome::LeftOut
        } else if let Some(need) = lacks {
            Outcome::NeedsFailed(need)
        } else {
            println!("\n=== {}", step.name);
            match (step.run)(&mut shared) {
                Ok(count) => Outcome::Ran(count),
                Err(error) => Outcome::Broken(error),
            }
        };
        report(step.name, &outcome, started.elapsed());
        done.push((step.name, outcome, started.elapsed()));
    }
    drop(shared);

    println!("\n=== all steps");
    for (name, outcome, time) in &done {
        report(name, outcome, *time);
    }
    let total = done.iter().fold(Count::default(), |sum, (_, outcome, _)| {
        sum + outcome.count()
    });
    println!("{total}");
    Ok(total.failed == 0)
}

/// Whether a step was requested, or is needed by one that was.
fn wanted(name: &str, only: &[String]) -> bool {
    only.is_empty()
        || only.iter().any(|asked| asked == name)
        || STEPS
            .iter()
            .any(|step| step.needs.contains(&name) && only.iter().any(|asked| asked == step.name))
}

fn report(name: &str, outcome: &Outcome, time: Duration) {
    let how = match outcome {
        Outcome::Ran(count) => count.to_string(),
        Outcome::Broken(error) => format!("failed: {error:#}"),
        Outcome::LeftOut => "left out by --skip".to_owned(),
        Outcome::NeedsFailed(need) => format!("not run: needs {need}"),
    };
    println!("--- {name:<10} {:>7.1} s  {how}", time.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_needs_comes_before_it() {
        for (index, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(
                    STEPS[..index].iter().any(|earlier| earlier.name == *need),
                    "{} needs {need}",
                    step.name
                );
            }
        }
    }

    #[test]
    fn only_brings_what_is_needed() {
        let only = vec!["attw".to_owned()];
        assert!(wanted("attw", &only) && wanted("build", &only));
        assert!(!wanted("fmt", &only));
        assert!(wanted("fmt", &[]));
    }

    #[test]
    fn a_broken_step_counts_as_a_failure_and_one_left_out_does_not() {
        let broken = Outcome::Broken(anyhow::anyhow!("no"));
        assert_eq!(broken.count(), Count::failed(1));
        assert!(!broken.is_good());
        assert_eq!(Outcome::LeftOut.count(), Count::skipped(1));
        assert!(Outcome::Ran(Count::passed(2)).is_good());
        assert!(!Outcome::Ran(Count::failed(1)).is_good());
    }
}
