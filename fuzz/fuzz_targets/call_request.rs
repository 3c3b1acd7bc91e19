//! The JSON of call requests, events and remembered steps.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::server::call_request(data));
