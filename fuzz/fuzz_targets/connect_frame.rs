//! The protobuf messages of a gateway.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| system_bus_fuzz::server::connect_frame(data));
