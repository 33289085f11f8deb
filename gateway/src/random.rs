//! Randomness from the operating system.

use alo_protocol::Uuid;

/// Random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Every system the gateway runs on has a source of randomness; without one nothing here is safe.
    getrandom::fill(&mut bytes).expect("the operating system returns random bytes");
    bytes
}

/// A new UUIDv7.
pub fn uuid(now_ms: u64) -> Uuid {
    Uuid::v7(now_ms, bytes())
}

/// Random text of `N` bytes in hexadecimal.
pub fn hex<const N: usize>() -> String {
    bytes::<N>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
