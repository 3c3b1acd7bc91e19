//! libsodium's `crypto_secretbox_easy`: XSalsa20, and Poly1305 over the ciphertext.
//!
//! Composed here from the current generation of both, because the crates that offer the composition ready-made stand
//! still at the one before. The vectors in `tests/` come from libsodium.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(super) const NONCE_BYTES: usize = 24;
pub(super) const TAG_BYTES: usize = 16;

/// Encrypts `message` in place and returns its tag.
pub(super) fn seal(key: &[u8; 32], nonce: &[u8; NONCE_BYTES], message: &mut [u8]) -> [u8; TAG_BYTES] {
    let (mut stream, one_time_key) = start(key, nonce);
    stream.apply_keystream(message);
    tag(&one_time_key, message)
}

/// Decrypts `ciphertext` in place; false, and nothing is changed, when key or tag do not fit.
pub(super) fn open(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    expected: &[u8; TAG_BYTES],
    ciphertext: &mut [u8],
) -> bool {
    let (mut stream, one_time_key) = start(key, nonce);
    let fits: bool = tag(&one_time_key, ciphertext).ct_eq(expected).into();
    if fits {
        stream.apply_keystream(ciphertext);
    }
    fits
}

/// The key stream behind its first 32 bytes, which are the key of the tag.
fn start(key: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> (XSalsa20, Zeroizing<[u8; 32]>) {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut one_time_key = Zeroizing::new([0; 32]);
    stream.apply_keystream(&mut *one_time_key);
    (stream, one_time_key)
}

fn tag(key: &[u8; 32], ciphertext: &[u8]) -> [u8; TAG_BYTES] {
    Poly1305::new(key.into()).compute_unpadded(ciphertext).into()
}
