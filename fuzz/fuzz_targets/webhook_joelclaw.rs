//! Deliveries to the provider `joelclaw`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::webhooks::provider("joelclaw", data));
