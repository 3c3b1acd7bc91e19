//! The signature header and the body that it signs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::server::signature_header(data));
