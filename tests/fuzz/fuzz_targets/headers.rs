#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alo_sim::fuzz::headers(data));
