//! The client as pure state machines; see the crate's documentation for how it is driven.

// No clock, no randomness, no order that differs from run to run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod backoff;
mod client;
mod connection;
mod control;
mod error;
mod io;
mod outbox;
mod pace;
mod subscriptions;
pub(crate) mod text;
mod time;
mod token;
mod upload;
mod uploads;

#[cfg(all(test, not(target_arch = "wasm32")))]
#[expect(clippy::disallowed_types, reason = "they are not iterated")]
mod properties;
#[cfg(test)]
mod tests;

pub use client::{Client, Config};
pub use error::Error;
pub use io::{
    CallId, Draft, Event, FileMeta, Frame, HttpId, HttpReply, HttpRequest, Incoming, Input, Kept,
    KeptFile, Method, Output, Recovery, Reply, Settled, SocketId, Storage, UploadId, Welcome,
};
pub use time::Instant;
