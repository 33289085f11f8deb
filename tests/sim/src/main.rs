//! `cargo xtask sim`: runs episodes until there were enough steps, and counts what happened.

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use alo_sim::{Counts, Violation, World, episode};
use clap::Parser;

/// Simulates clients, network and gateway from seeds, and looks for anything lost, doubled, reordered or
/// left unanswered.
#[derive(Parser)]
struct Options {
    /// Steps to run at least, over as many episodes as it takes
    #[arg(long, default_value_t = 2_000_000)]
    steps: u64,
    /// The first episode's seed; the others count on from it
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Runs this one episode and prints what happens in it
    #[arg(long)]
    seed: Option<u64>,
    /// Episodes at a time; by default one for each processor
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(seed) = options.seed {
        return replay(seed);
    }
    let threads = options
        .threads
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (next, failed) = (AtomicU64::new(options.from), AtomicBool::new(false));
    let total = Mutex::new(Counts::default());
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&options, &next, &failed, &total));
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = started.elapsed().as_secs_f64();
    print!("{total}");
    println!("{:>14.0}  steps per second", total.steps as f64 / seconds);
    if failed.load(Ordering::Relaxed) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn work(options: &Options, next: &AtomicU64, failed: &AtomicBool, total: &Mutex<Counts>) {
    let lock = || total.lock().unwrap_or_else(PoisonError::into_inner);
    while lock().steps < options.steps && !failed.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let mut counts = Counts::default();
        let outcome = episode(seed, &mut counts);
        lock().merge(&counts);
        if let Err(violation) = outcome {
            failed.store(true, Ordering::Relaxed);
            report(&violation);
        }
    }
}

fn replay(seed: u64) -> ExitCode {
    let mut world = World::random(seed);
    println!("{:#?}", world.profile());
    world.trace();
    let outcome = world.episode();
    print!("{}", world.counts());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(violation) => {
            report(&violation);
            ExitCode::FAILURE
        }
    }
}

fn report(violation: &Violation) {
    println!("VIOLATION {violation}");
    println!("replay it by: cargo xtask sim --seed {}", violation.seed);
}
