//! Time strings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::server::time_string(data));
