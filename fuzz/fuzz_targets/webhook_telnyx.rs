//! Deliveries to the provider `telnyx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::webhooks::provider("telnyx", data));
