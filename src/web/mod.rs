//! The browser shell: drives [`crate::core`] with the browser's own WebSocket, fetch and timers.
//!
//! `driver` is the only caller of the core. It borrows the client, runs it, takes one output,
//! releases, and only then calls JavaScript: a listener may call back into the SDK at any time.

mod arguments;
mod calls;
mod download;
mod driver;
mod engine;
mod envelope;
mod environment;
mod frame;
mod http;
mod js;
mod options;
mod outbox;
mod socket;
mod timer;
mod token;

pub use engine::Engine;
pub use outbox::Outbox;

/// A sixth of the size of the default one, and of constant time.
#[global_allocator]
static ALLOCATOR: rlsf::GlobalTlsf<Pools> = rlsf::GlobalTlsf::new();

/// Pools join as the memory grows, so that what a large text held can be had again; a block that grows is copied,
/// which is half of the code less.
struct Pools;

impl rlsf::GlobalTlsfOptions for Pools {
    const ENABLE_REALLOCATION: bool = false;
}
