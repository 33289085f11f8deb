//! The engine in a real browser against a real gateway.
//!
//! `cargo xtask test` starts the gateway and runs this in Chromium, Firefox and WebKit; README.md here
//! says how to run it with `wasm-pack test`.
#![cfg(target_arch = "wasm32")]

mod arguments;
mod counts;
mod events;
mod files;
mod history;
mod messages;
mod network;
mod outbox;
mod reads;
mod support;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);
