//! What verifies and what does not, scheme by scheme.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::{Algorithm, Encoding, Scheme, Signed, SignedRequest, Timestamp, TimestampPlace};

const NOW: i64 = 1_591_664_030_000;

/// Mux's own vector (SDK tests): secret, body, signature of `1591664030.payload`.
const MUX_SIGNATURE: &str = "e43496b6aae982c4c2fd6f8e92935f1d90216f1f64d56024e72390acfb988272";

fn scheme(algorithm: Algorithm, encoding: Encoding, prefix: &'static str, place: Option<TimestampPlace>) -> Scheme {
    let timestamp = place.map(|place| Timestamp { place, unit_ms: 1_000, tolerance_ms: 300_000 });
    Scheme::Signed(Signed { algorithm, header: "x-signature", prefix, encoding, timestamp, also: None, unless: None })
}

fn verified(scheme: &Scheme, secret: &str, headers: &[(&'static str, &str)], body: &str, now: i64) -> bool {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("is a header"));
    }
    scheme.verify(&SignedRequest { headers: &map, body: body.as_bytes(), now }, secret.as_bytes())
}

#[test]
fn a_list_holds_a_time_and_any_number_of_signatures() {
    let scheme = scheme(Algorithm::HmacSha256, Encoding::Hex, "", Some(TimestampPlace::List));
    let check = |header: &str, now: i64, expected: bool| {
        let accepted = verified(&scheme, "SuperSecret123", &[("x-signature", header)], "payload", now);
        assert_eq!(accepted, expected, "{header} at {now}");
    };
    let good = format!("t=1591664030,v1={MUX_SIGNATURE}");
    check(&good, NOW, true);
    check(&good, NOW + 300_000, true);
    check(&good, NOW + 300_001, false);
    check(&good, NOW - 300_001, false);
    check(&format!("t=1591664030, v1={MUX_SIGNATURE}"), NOW, true);
    check(&format!("v0=00,t=1591664030,v1=00,v1={MUX_SIGNATURE}"), NOW, true);
    for wrong in [
        String::new(),
        format!("v1={MUX_SIGNATURE}"),
        "t=1591664030".to_owned(),
        format!("t=1591664031,v1={MUX_SIGNATURE}"),
        format!("t=+1591664030,v1={MUX_SIGNATURE}"),
        format!("t=1591664030,t=1591664030,v1={MUX_SIGNATURE}"),
        format!("t=1591664030,v1={}", MUX_SIGNATURE.to_uppercase()),
        format!("t=1591664030,v1={MUX_SIGNATURE}zz"),
        format!("t=1591664030,v2={MUX_SIGNATURE}"),
        format!("t=1591664030;v1={MUX_SIGNATURE}"),
        format!("t=1591664030{}", format!(",v1={MUX_SIGNATURE}").repeat(9)),
        format!("t=9223372036854775807,v1={MUX_SIGNATURE}"),
    ] {
        check(&wrong, NOW, false);
    }
}

#[test]
fn an_ed25519_key_is_raw_or_a_subject_public_key_info() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let raw = STANDARD.encode(key.verifying_key().as_bytes());
    let spki =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], key.verifying_key().as_bytes()]
            .concat();
    let place = TimestampPlace::Header { name: "x-time", join: "|" };
    let scheme = scheme(Algorithm::Ed25519, Encoding::Base64, "", Some(place));
    let signature = STANDARD.encode(key.sign(b"1591664030|body").to_bytes());
    let headers = [("x-signature", signature.as_str()), ("x-time", "1591664030")];
    assert!(verified(&scheme, &raw, &headers, "body", NOW));
    assert!(verified(&scheme, &STANDARD.encode(spki), &headers, "body", NOW));
    for (secret, headers, body, now) in [
        (raw.as_str(), vec![headers[0]], "body", NOW),
        (raw.as_str(), vec![headers[0], headers[1], headers[1]], "body", NOW),
        (raw.as_str(), headers.to_vec(), "bodY", NOW),
        (raw.as_str(), headers.to_vec(), "body", NOW + 300_001),
        (raw.as_str(), vec![headers[0], ("x-time", "1591664031")], "body", NOW),
        ("AAAA", headers.to_vec(), "body", NOW),
        ("no base64", headers.to_vec(), "body", NOW),
        (&STANDARD.encode([0; 32]), headers.to_vec(), "body", NOW),
    ] {
        assert!(!verified(&scheme, secret, &headers, body, now), "{secret} {headers:?} {body} {now}");
    }
}

#[test]
fn a_signature_has_one_spelling() {
    // HMAC-SHA1 (RFC 2202, case 2).
    let hex = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    let base64 = STANDARD.encode(hex::decode(hex).expect("is hexadecimal"));
    let check = |encoding, value: &str, expected: bool| {
        let scheme = scheme(Algorithm::HmacSha1, encoding, "v=", None);
        let accepted = verified(&scheme, "Jefe", &[("x-signature", value)], "what do ya want for nothing?", NOW);
        assert_eq!(accepted, expected, "{value}");
    };
    check(Encoding::Hex, &format!("v={hex}"), true);
    check(Encoding::Base64, &format!("v={base64}"), true);
    for wrong in [hex.to_owned(), format!("v={hex}00"), format!("v= {hex}"), format!("v={hex}zz-junk"), "v=".to_owned()]
    {
        check(Encoding::Hex, &wrong, false);
    }
    check(Encoding::Hex, &format!("v={}", hex.to_uppercase()), false);
    for wrong in [
        format!("v={}", base64.trim_end_matches('=')),
        format!("v={base64} "),
        format!("v={} {}", &base64[..4], &base64[4..]),
        format!("v={base64}=="),
        format!("v={}", base64.replace('+', "-")).replace('/', "_"),
    ] {
        if wrong != format!("v={base64}") {
            check(Encoding::Base64, &wrong, false);
        }
    }
}

#[test]
fn an_empty_secret_verifies_nothing() {
    let scheme = scheme(Algorithm::HmacSha1, Encoding::Hex, "", None);
    // HMAC-SHA1 of nothing with an empty key.
    let header = [("x-signature", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d")];
    assert!(!verified(&scheme, "", &header, "", NOW));
}

#[test]
fn another_form_of_the_body_may_have_been_signed() {
    fn shouted(body: &[u8]) -> Option<Vec<u8>> {
        Some(body.to_ascii_uppercase()).filter(|_| body.is_ascii())
    }
    let signed = Signed {
        algorithm: Algorithm::HmacSha1,
        header: "x-signature",
        prefix: "",
        encoding: Encoding::Hex,
        timestamp: None,
        also: Some(shouted),
        unless: Some("x-other"),
    };
    let scheme = Scheme::Signed(signed);
    // HMAC-SHA1 of `BODY`.
    let header = ("x-signature", "f16e6abd6d36315f396d3db089d3245a1d2fa4de");
    let check = |headers: &[(&'static str, &str)], body: &str, expected: bool| {
        assert_eq!(verified(&scheme, "key", headers, body, NOW), expected, "{headers:?} {body}");
    };
    check(&[header], "BODY", true);
    check(&[header], "body", true);
    check(&[header], "bodies", false);
    check(&[header], "bödy", false);
    // With the other header, even an empty one, another scheme is meant.
    check(&[header, ("x-other", "1")], "BODY", false);
    check(&[header, ("x-other", "")], "BODY", false);
    check(&[header, ("x-other", "1"), ("x-other", "2")], "BODY", false);
}
