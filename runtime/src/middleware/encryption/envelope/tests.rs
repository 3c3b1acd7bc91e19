//! The encrypted form: what the TypeScript middleware wrote, round trips, and what stays closed.

use serde::Deserialize;

use super::*;

/// `vectors.json`: keys, plain texts and envelopes that the TypeScript middleware made.
#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
    legacy: Case,
}

#[derive(Deserialize)]
struct Case {
    key: String,
    plaintext: String,
    envelope: Box<RawValue>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn keyring(secret: &str) -> Keyring {
    Keyring::new(EncryptionKey::derive(secret).unwrap())
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[test]
fn what_the_typescript_middleware_encrypts_is_read() {
    let cases = vectors().cases;
    assert!(cases.len() >= 30);
    for case in cases {
        let plain = keyring(&case.key).decrypt(&case.envelope).unwrap().expect("it is encrypted");
        assert_eq!(plain.get(), case.plaintext);
    }
}

/// With the same nonce the very bytes are the same, so the TypeScript middleware reads what is written here.
#[test]
fn what_is_encrypted_here_is_what_the_typescript_middleware_writes() {
    for case in vectors().cases {
        let envelope: Value = serde_json::from_str(case.envelope.get()).unwrap();
        let sealed = STANDARD.decode(envelope["data"].as_str().unwrap()).unwrap();
        let nonce = sealed.first_chunk::<NONCE_BYTES>().unwrap();
        let written = keyring(&case.key).encrypt_with(nonce, &raw(&case.plaintext)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(written.get()).unwrap(), envelope);
    }
}

#[test]
fn decrypting_undoes_encrypting() {
    let keys = keyring("k");
    let mut random = Random(7);
    for round in 0..300 {
        let value = random.value(4);
        let text = serde_json::to_string(&value).unwrap();
        let encrypted = keys.encrypt(&raw(&text)).unwrap();
        assert!(round % 10 != 0 || encrypted.get() != keys.encrypt(&raw(&text)).unwrap().get(), "a nonce is used once");
        assert_eq!(keys.decrypt(&encrypted).unwrap().unwrap().get(), text);
    }
}

#[test]
fn large_values_survive() {
    let text = format!("\"{}\"", "ü".repeat(512 * 1024));
    let keys = keyring("k");
    let encrypted = keys.encrypt(&raw(&text)).unwrap();
    assert_eq!(keys.decrypt(&encrypted).unwrap().unwrap().get(), text);
}

#[test]
fn fallback_keys_open_what_older_keys_closed() {
    let old = keyring("old").encrypt(&raw("1")).unwrap();
    let mut keys = keyring("new");
    keys.add(EncryptionKey::derive("older").unwrap());
    assert_eq!(keys.decrypt(&old).unwrap_err(), OpenError::NoKey(2));
    keys.add(EncryptionKey::derive("old").unwrap());
    assert_eq!(keys.decrypt(&old).unwrap().unwrap().get(), "1");
    let new = keys.encrypt(&raw("2")).unwrap();
    assert!(keyring("old").decrypt(&new).is_err());
    assert!(keyring(" new\n").decrypt(&new).is_ok(), "blanks around a secret do not count");
}

#[test]
fn what_stays_closed_says_why_and_not_what() {
    let keys = keyring("k");
    let secret = keyring("other").encrypt(&raw("\"a secret\"")).unwrap();
    let sealed = serde_json::from_str::<Value>(secret.get()).unwrap()["data"].as_str().unwrap().to_owned();
    let error = keys.decrypt(&secret).unwrap_err().to_string();
    assert!(error.contains("`inngest/libsodium`") && !error.contains(&sealed[..12]), "{error}");
    assert_eq!(keys.decrypt(&vectors().legacy.envelope).unwrap_err(), OpenError::Legacy);
    let foreign = r#"{"__ENCRYPTED__":true,"__STRATEGY__":"acme/kms","data":"x"}"#;
    assert_eq!(keys.decrypt(&raw(foreign)).unwrap_err(), OpenError::Strategy("acme/kms".to_owned()));
    for data in ["", "%", "AAAA", &STANDARD.encode([0; NONCE_BYTES + TAG_BYTES - 1])] {
        let text = format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":"{data}"}}"#);
        assert_eq!(keys.decrypt(&raw(&text)).unwrap_err(), OpenError::Damaged, "{data}");
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let keys = keyring("k");
    let envelope = keys.encrypt(&raw("[1,2,3]")).unwrap();
    let envelope: Value = serde_json::from_str(envelope.get()).unwrap();
    let sealed = STANDARD.decode(envelope["data"].as_str().unwrap()).unwrap();
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        let data = STANDARD.encode(changed);
        let text = to_raw_value(&Envelope { encrypted: true, strategy: STRATEGY, data: &data }).unwrap();
        assert_eq!(keys.decrypt(&text).unwrap_err(), OpenError::NoKey(1), "byte {position}");
    }
}

#[test]
fn values_that_only_look_encrypted_are_left_alone() {
    let keys = keyring("k");
    let alike = [
        r#""__ENCRYPTED__""#,
        r#"["__ENCRYPTED__"]"#,
        r#"{"__ENCRYPTED__":"true","__STRATEGY__":"inngest/libsodium","data":"x"}"#,
        r#"{"__ENCRYPTED__":false,"__STRATEGY__":"inngest/libsodium","data":"x"}"#,
        r#"{"__ENCRYPTED__":true,"__STRATEGY__":null,"data":"x"}"#,
        r#"{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":1}"#,
        r#"{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium"}"#,
    ];
    for text in alike {
        assert!(keys.decrypt(&raw(text)).unwrap().is_none(), "{text}");
        let encrypted = keys.encrypt(&raw(text)).unwrap();
        assert_eq!(keys.decrypt(&encrypted).unwrap().unwrap().get(), text);
    }
    // An author's value that is an envelope comes back as it was: one layer is taken off, not two.
    let inner = keys.encrypt(&raw("1")).unwrap();
    let outer = keys.encrypt(&inner).unwrap();
    assert_eq!(keys.decrypt(&outer).unwrap().unwrap().get(), inner.get());
}

#[test]
fn keys_cannot_be_printed_and_are_not_blank() {
    let key = EncryptionKey::derive("a secret").unwrap();
    assert_eq!(format!("{key:?}"), "EncryptionKey(…)");
    assert!(EncryptionKey::derive(" \n").is_err());
}

/// Values from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn text(&mut self) -> String {
        (0..self.below(9)).map(|_| char::from_u32(self.below(0x11_0000) as u32).unwrap_or('"')).collect()
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::from(self.below(u64::MAX)),
            3 => Value::String(self.text()),
            4 => (0..self.below(5)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object((0..self.below(5)).map(|_| (self.text(), self.value(depth - 1))).collect()),
        }
    }
}
