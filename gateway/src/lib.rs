//! The gateway: one binary that speaks `alo.v1` over WebSocket and tus, and keeps everything in SQLite
//! and a folder.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod error;
pub mod files;
pub mod frames;
pub mod hub;
mod linger;
pub mod metrics;
pub mod origin;
pub mod random;
mod routes;
pub mod serve;
pub mod session;
pub mod store;
pub mod writer;
mod ws;
