//! The HTTP side: each file has the handlers of one concern and the little they use; `router` assembles
//! them, and [`serve`] serves them.

mod accepted;
mod access;
mod announce;
mod auth;
mod connection;
mod cors;
mod delete;
mod download;
mod error;
mod extract;
mod harden;
mod health;
mod history;
mod platform;
mod router;
mod serve;
mod socket;
mod steady;
mod tus;
mod uploads;

pub use router::State;
pub use serve::serve;
