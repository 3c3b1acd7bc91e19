//! The signatures of webhooks.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::webhooks::webhook_signature(data));
