//! The gateway from outside: over real sockets, and for the crash tests as a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test panics where it fails, and picks what it looks for"
)]

mod access;
mod audit;
mod auth;
mod autobahn;
mod backup;
mod counts;
mod crash;
mod delete;
mod disk;
mod door;
mod files;
mod history;
mod hostile;
mod http;
mod jwks;
mod keys;
mod rates;
mod raw;
mod reads;
mod send;
mod slow;
mod socket;
mod store;
mod subscribe;
mod support;
mod typing;
