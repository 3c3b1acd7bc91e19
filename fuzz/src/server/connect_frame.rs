//! The `connect_frame` target: see `../../README.md`.

use system_bus_runtime::server::connect::frame::decode;

/// A field that no message of Connect has: number 2000, of the value 1.
const UNKNOWN_FIELD: [u8; 3] = [0x80, 0x7d, 0x01];

/// Reads the input as a message of a gateway.
///
/// Protobuf lets a later value of a field replace an earlier one, and lets fields be added: neither a repeated message
/// nor an unknown field changes what is read.
pub fn connect_frame(data: &[u8]) {
    match decode(data) {
        Ok(frame) => {
            let shown = format!("{frame:?}");
            assert!(!shown.is_empty(), "a message cannot be shown");
            assert!(decode(&[data, data].concat()).as_ref() == Ok(&frame), "a message twice is another one: {shown}");
            let extended = decode(&[data, &UNKNOWN_FIELD].concat());
            assert!(extended.as_ref() == Ok(&frame), "an unknown field changes a message: {shown}");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says nothing"),
    }
}
