//! What holds for every signature.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;

fn key(digits: &[u8]) -> SigningKey {
    SigningKey::parse(&format!("signkey-test-{}", hex::encode(digits))).expect("is a key")
}

fn one(key: SigningKey) -> SigningKeys {
    SigningKeys { current: Some(key), fallback: None }
}

fn any_key() -> impl Strategy<Value = SigningKey> {
    vec(any::<u8>(), 1..40).prop_map(|digits| key(&digits))
}

proptest! {
    #[test]
    fn what_is_signed_verifies_while_it_is_fresh(
        key in any_key(),
        body in vec(any::<u8>(), 0..200),
        now in 0..i64::MAX / 2,
        age in -2 * AHEAD_MAX..2 * AGE_MAX,
    ) {
        let header = sign(&key, &body, now);
        let decision = verify(Some(&header), &body, &one(key), now + age).err();
        let expected = match age {
            age if age > AGE_MAX => Some(SignatureError::Expired),
            age if age < -AHEAD_MAX => Some(SignatureError::Future),
            _ => None,
        };
        prop_assert_eq!(decision, expected);
    }

    #[test]
    fn another_body_or_key_is_refused(
        (ours, theirs) in (any_key(), any_key()),
        body in vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let header = sign(&ours, &body, NOW);
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        // Only the two forms of one JSON document share a signature, and one flipped bit can make those too.
        prop_assume!(canonical(&changed).is_none_or(|it| it != body));
        prop_assume!(ours.hash() != theirs.hash());
        prop_assert_eq!(verify(Some(&header), &body, &one(theirs), NOW).err(), Some(SignatureError::Mismatch));
        prop_assert_eq!(verify(Some(&header), &changed, &one(ours), NOW).err(), Some(SignatureError::Mismatch));
    }

    #[test]
    fn a_header_that_was_not_signed_is_refused(header in "(t=[0-9]{0,20}|s=[0-9a-f]{0,64}|&|=|.){0,6}") {
        let is_accepted = verify(Some(&header), b"{}", &one(key(&[0xaa])), NOW).is_ok();
        prop_assert!(!is_accepted);
    }

    #[test]
    fn a_changed_header_is_refused(body in vec(any::<u8>(), 0..50), at in any::<prop::sample::Index>(), by in "[ -~]") {
        let key = key(&[0xaa]);
        let header = sign(&key, &body, NOW);
        let at = at.index(header.len());
        let changed = format!("{}{by}{}", &header[..at], &header[at + 1..]);
        prop_assert_eq!(verify(Some(&changed), &body, &one(key), NOW).is_ok(), changed == header, "{}", changed);
    }
}
