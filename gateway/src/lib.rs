//! The gateway: one binary that serves `alo.v1` over WebSocket and tus, and stores everything in SQLite and a
//! folder.

pub mod access;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod bus;
pub mod clock;
pub mod config;
pub mod erasure;
pub mod error;
pub mod files;
pub mod folder;
pub mod frames;
pub mod http;
pub mod intake;
pub mod limits;
pub mod live;
pub mod logging;
pub mod methods;
pub mod metrics;
pub mod origin;
pub mod permissions;
pub mod random;
pub mod readers;
pub mod session;
pub mod start;
pub mod store;
pub mod writer;
