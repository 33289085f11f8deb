//! The client as pure state machines; see the crate's documentation for how it is driven.

// Deterministic: no clock, no randomness, no iteration order that differs between runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod asked;
mod backoff;
mod client;
pub mod codec;
mod connection;
mod error;
mod in_flight;
mod io;
mod outbox;
mod pace;
mod pending;
mod rate;
mod subscriptions;
pub(crate) mod text;
mod time;
mod token;
mod upload;
mod uploads;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

pub use client::{Client, Config};
pub use codec::Payload;
pub use error::Error;
pub use io::{
    CallId, Event, FileMeta, Frame, HttpId, HttpReply, HttpRequest, Incoming, Input, Kept,
    KeptFile, Lane, Method, Output, Recovery, Request, Settled, SocketId, Storage, UploadId,
    Welcome,
};
pub use time::Instant;
