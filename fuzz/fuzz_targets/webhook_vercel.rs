//! Deliveries to the provider `vercel`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::webhooks::provider("vercel", data));
