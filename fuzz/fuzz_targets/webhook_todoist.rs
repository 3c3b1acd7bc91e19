//! Deliveries to the provider `todoist`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::webhooks::provider("todoist", data));
