//! A world in which everything but the product is simulated: several clients (the SDK's core as it ships),
//! one gateway (its sessions, its SQLite store, its frame assembly and its records of files, as they ship),
//! and between them sockets, HTTP, clocks, disks, tokens and users that do whatever can be thought of, all
//! from one seed.
//!
//! [`world::World`] has the queue of events; [`client`] and [`gateway`] drive the two sides, [`network`] is
//! what lies between, [`trouble`] decides what goes wrong, and [`oracle`] knows what must be true. What users
//! can do stands in `features`, a file for each feature.

pub mod client;
pub mod counts;
mod features;
pub mod fuzz;
pub mod gateway;
pub mod network;
pub mod oracle;
pub mod page;
pub mod profile;
mod storage;
pub mod trouble;
pub mod tus;
pub mod wire;
pub mod world;

pub use counts::Counts;
pub use oracle::Violation;
pub use profile::Profile;
pub use world::World;

/// Runs one episode: trouble, healing, and the final account.
///
/// # Errors
/// What was found to be wrong.
pub fn episode(seed: u64, counts: &mut Counts) -> Result<(), Box<Violation>> {
    let mut world = World::random(seed);
    let outcome = world.episode();
    counts.merge(world.counts());
    outcome
}
