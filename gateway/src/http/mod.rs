//! The HTTP side: each file has the handlers of one matter and the little they use; `router` puts them
//! together, and [`serve`] serves them.

mod announce;
mod auth;
mod connection;
mod cors;
mod download;
mod error;
mod extract;
mod health;
mod history;
mod linger;
mod platform;
mod router;
mod serve;
mod socket;
mod tus;
mod uploads;

pub use router::State;
pub use serve::serve;
