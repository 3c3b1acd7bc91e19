//! Signature arithmetic that providers share; comparisons take constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// HMAC-SHA256 of `message`.
pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so this cannot fail; an all-zero tag would still match no honest signature.
    Hmac::<Sha256>::new_from_slice(secret).map_or([0; 32], |mut mac| {
        mac.update(message);
        mac.finalize().into_bytes().into()
    })
}

/// Whether `text` is exactly the hexadecimal form of `expected`, of either case and with nothing around it.
pub fn matches_hex(expected: &[u8], text: &str) -> bool {
    hex::decode(text).is_ok_and(|given| given.ct_eq(expected).into())
}
