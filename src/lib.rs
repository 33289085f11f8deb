//! The engine of the npm package `alo-chat`.
//!
//! [`core`] is the client without input or output: pure state machines that a shell drives. `web`
//! is the shell for browsers. The contract between them is the one of [`core::Client`]:
//!
//! 1. pass it an input: [`core::Client::handle`]`(now, input)`;
//! 2. take its outputs until there are none: [`core::Client::poll_output`];
//! 3. call again with [`core::Input::Timeout`] when [`core::Client::next_timeout`] has come.
//!
//! The core has no clock, no randomness of its own and no JavaScript value: time and a seed are
//! arguments and what a user sends or receives is an opaque `P`, so the same code runs in a browser
//! and in a simulation.

pub mod core;

#[cfg(target_arch = "wasm32")]
pub mod web;
