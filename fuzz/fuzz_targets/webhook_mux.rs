//! Deliveries to the provider `mux`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::webhooks::provider("mux", data));
