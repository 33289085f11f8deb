//! The browser shell: drives [`crate::core`] with the browser's own WebSocket, fetch and timers.
//!
//! `driver` is the only caller of the core. It borrows the client, runs it, takes one output,
//! releases, and only then calls JavaScript: a listener may call back into the SDK at any time.
//! What needs no simulation is in the package's JavaScript: arguments, promises, listeners,
//! `fetch`.

mod driver;
mod engine;
mod environment;
mod events;
mod host;
mod js;
mod socket;
mod storage;
mod timer;

pub use engine::Engine;
pub use host::Host;
pub use storage::Storage;

/// A sixth of the size of the default allocator, in constant time.
#[global_allocator]
static ALLOCATOR: rlsf::GlobalTlsf<Pools> = rlsf::GlobalTlsf::new();

/// Pools join as the memory grows, so that the memory of a large text is reused; a block that grows is copied,
/// which halves the code.
struct Pools;

impl rlsf::GlobalTlsfOptions for Pools {
    const ENABLE_REALLOCATION: bool = false;
}
