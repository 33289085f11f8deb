//! What the fuzzer found worth keeping, replayed without it.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::{fs, path::Path};

use alo_sim::fuzz;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(name);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        target(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus of {name} is gone");
}

#[test]
fn the_session_takes_any_frames() {
    replay("session", fuzz::session);
}

#[test]
fn the_client_takes_any_frames() {
    replay("client", fuzz::client);
}

#[test]
fn headers_and_tokens_of_any_form_are_refused_or_read() {
    replay("headers", fuzz::headers);
}
