//! What every webhook provider refuses, tried on one delivery that it accepts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use serde_json::Value;

use super::webhook::WebhookHarness;
use crate::webhook::{Algorithm, Encoding, Outcome, Received, Refusal, Scheme, Signed, TimestampPlace};

/// Positions of the body that are altered, one at a time.
const ALTERED_MAX: usize = 64;

/// Deeper than any parser that recurses could go.
const DEPTH: usize = 100_000;

/// A day: nothing but a signed time may depend on the clock.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl WebhookHarness {
    /// Checks that a delivery is accepted, and that whatever merely resembles it is not.
    ///
    /// `headers` are all of the delivery's, with its signature; the body is a JSON object. Tried are wrong spellings of
    /// the signature, altered bodies, times at the ends of the tolerance, other secrets, and rightly signed bodies that
    /// are no JSON, no object, or have members of another kind than expected. Nothing of that may panic.
    ///
    /// ```no_run
    /// use system_bus_runtime::testing::WebhookHarness;
    ///
    /// let acme = WebhookHarness::of("acme").secret("ACME_WEBHOOK_SECRET", "s");
    /// acme.check_refusals(&[("x-acme-signature", "6a2b…"), ("x-acme-event", "order")], r#"{"number":7}"#);
    /// ```
    ///
    /// # Panics
    ///
    /// When the delivery is not accepted, or something else happens than should; the message lists all of it.
    #[track_caller]
    pub fn check_refusals(&self, headers: &[(&str, &str)], body: &str) {
        let accepted = match self.deliver(headers, body) {
            Ok(Received::Delivery { outcome: outcome @ Outcome::Events(_), .. }) => outcome,
            other => panic!("the delivery that should be accepted is not: {other:?}"),
        };
        let Some((signed, secret)) = self.held_signature(headers, body) else {
            panic!("no signature of `{}` is declared by its parts and holds", self.provider.id)
        };
        let mut trial = Trial { harness: self, signed, secret, headers, body, wrong: Vec::new() };
        trial.signatures();
        trial.bodies();
        trial.times(&accepted);
        trial.secrets();
        trial.contents();
        let Trial { wrong, .. } = trial;
        assert!(wrong.is_empty(), "`{}`:\n{}", self.provider.id, wrong.join("\n"));
    }

    /// The declared signature by which a delivery is accepted, and its secret.
    fn held_signature(&self, headers: &[(&str, &str)], body: &str) -> Option<(&'static Signed, String)> {
        let headers = super::webhook::header_map(headers);
        let request = crate::webhook::SignedRequest { headers: &headers, body: body.as_bytes(), now: self.now };
        self.provider.signatures.iter().find_map(|signature| {
            let Scheme::Signed(signed) = &signature.scheme else { return None };
            let mut secrets = signature.secret.variables.iter().filter_map(|name| self.variables.get(*name));
            let secret = secrets.find(|secret| signature.scheme.verify(&request, secret.as_bytes()))?;
            Some((signed, secret.clone()))
        })
    }
}

/// One accepted delivery, and what should not have happened to others.
struct Trial<'a> {
    harness: &'a WebhookHarness,
    signed: &'static Signed,
    secret: String,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    wrong: Vec<String>,
}

impl<'a> Trial<'a> {
    /// The value of a header of the accepted delivery.
    fn value(&self, name: &str) -> &'a str {
        let mut values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.next().map_or("", |(_, value)| value)
    }

    /// The headers with other values for one of them.
    fn with<'b>(&self, name: &'b str, values: &[&'b str]) -> Vec<(&'b str, &'b str)>
    where
        'a: 'b,
    {
        let others = self.headers.iter().copied().filter(|(other, _)| !other.eq_ignore_ascii_case(name));
        others.chain(values.iter().map(|value| (name, *value))).collect()
    }

    /// A delivery whose sender must not be believed.
    fn refused(&mut self, harness: &WebhookHarness, what: &str, headers: &[(&str, &str)], body: &[u8]) {
        match harness.deliver(headers, body) {
            Err(Refusal::Signature | Refusal::Closed) => {}
            other => self.wrong.push(format!("{what}: not refused, but {other:?}")),
        }
    }

    fn refused_values(&mut self, name: &str, what: &str, values: &[&str]) {
        let headers = self.with(name, values);
        self.refused(self.harness, &format!("{what} {values:?} in `{name}`"), &headers, self.body.as_bytes());
    }

    /// The signature is there once and spelled exactly so.
    fn signatures(&mut self) {
        let Signed { header: name, prefix, encoding, .. } = self.signed;
        let value = self.value(name);
        self.refused_values(name, "no signature", &[]);
        self.refused_values(name, "two signatures", &[value, value]);
        for at in 0..value.len() {
            let other = if value.as_bytes()[at] == b'a' { "b" } else { "a" };
            let altered = format!("{}{other}{}", &value[..at], &value[at + 1..]);
            self.refused_values(name, "an altered signature", &[&altered]);
        }
        let bare = value.strip_prefix(prefix).unwrap_or(value);
        let (head, tail) = value.split_at(value.len() / 2);
        let digits = value.rfind('=').map_or(0, |at| at + 1);
        let spellings = [
            String::new(),
            "é".to_owned(),
            head.to_owned(),
            value[..value.len() - 1].to_owned(),
            value[..value.len() - 2].to_owned(),
            format!("{head} {tail}"),
            format!("{value}zz-junk"),
            format!("{value}00"),
            format!("{value}="),
            format!("00{value}"),
            format!("{value}, {value}"),
            value.trim_end_matches('=').to_owned(),
            bare.to_owned(),
            (*prefix).to_owned(),
            // Around a whole value HTTP itself passes over spaces.
            if prefix.is_empty() { String::new() } else { format!("{prefix} {bare}") },
            format!("{}{bare}", prefix.to_uppercase()),
            format!("sha1={bare}"),
            format!("{}{}", &value[..digits], value[digits..].to_uppercase()),
        ];
        for spelling in spellings.iter().filter(|spelling| *spelling != value) {
            self.refused_values(name, "another spelling", &[spelling]);
        }
        if *encoding == Encoding::Hex && value[digits..].bytes().all(|letter| letter.is_ascii_digit()) {
            self.wrong.push("the signature has no letter, so that its case shows nothing: give another".to_owned());
        }
    }

    /// The body is the one that was signed, byte for byte.
    fn bodies(&mut self) {
        let (headers, body) = (self.headers, self.body.as_bytes());
        for at in (0..body.len()).step_by(body.len().div_ceil(ALTERED_MAX)).chain([body.len() - 1]) {
            // In JSON the lowest bit of a byte is never without meaning, as a letter's case is in `\u00e9`.
            let mut altered = body.to_vec();
            altered[at] ^= 1;
            self.refused(self.harness, &format!("byte {at} of the body altered"), headers, &altered);
        }
        let middle = body.len() / 2;
        for (what, altered) in [
            ("an empty body", Vec::new()),
            ("a body with a byte order mark", [b"\xef\xbb\xbf", body].concat()),
            ("a body that is cut off", body[..body.len() - 1].to_vec()),
            ("a body with something behind it", [body, b"{}"].concat()),
            ("a body that is no text", [&body[..middle], b"\xff", &body[middle..]].concat()),
            ("another large body", large()),
        ] {
            self.refused(self.harness, what, headers, &altered);
        }
    }

    /// A signed time is near, and no part of it can be exchanged; without one the clock does not count.
    fn times(&mut self, accepted: &Outcome) {
        let Some(timestamp) = self.signed.timestamp else {
            self.same_at(self.harness.now + DAY_MS, accepted);
            return;
        };
        let signature = self.value(self.signed.header);
        let text = match timestamp.place {
            TimestampPlace::Header { name, .. } => self.value(name),
            TimestampPlace::List => signature.split(',').find_map(|part| part.strip_prefix("t=")).unwrap_or_default(),
        };
        let time = text.parse::<i64>().unwrap_or_default() * timestamp.unit_ms;
        for (end, beyond) in [(time - timestamp.tolerance_ms, -1), (time + timestamp.tolerance_ms, 1)] {
            self.same_at(end, accepted);
            let harness = self.harness.clone().at(end + beyond);
            self.refused(&harness, &format!("{beyond} ms beyond the tolerance"), self.headers, self.body.as_bytes());
        }
        let later = (time / timestamp.unit_ms + 1).to_string();
        let (signed, sign, long) = (format!("+{text}"), format!("-{text}"), "9".repeat(30));
        let (longer, zero) = (format!("{text}0"), format!("0{text}"));
        let texts = ["", "now", &later, &signed, &sign, &long, &longer, &zero];
        match timestamp.place {
            TimestampPlace::Header { name, .. } => {
                self.refused_values(name, "no time", &[]);
                self.refused_values(name, "two times", &[text, text]);
                texts.iter().for_each(|other| self.refused_values(name, "another time", &[other]));
            }
            TimestampPlace::List => {
                let rest = signature.strip_prefix(&format!("t={text},")).unwrap_or_default();
                self.refused_values(self.signed.header, "no time", &[rest]);
                self.refused_values(self.signed.header, "two times", &[&format!("t={text},{signature}")]);
                for other in texts {
                    self.refused_values(self.signed.header, "another time", &[&format!("t={other},{rest}")]);
                }
            }
        }
    }

    /// The same delivery at another time becomes the same events under the same ids.
    fn same_at(&mut self, now: i64, accepted: &Outcome) {
        match self.harness.clone().at(now).deliver(self.headers, self.body) {
            Ok(Received::Delivery { outcome, .. }) if format!("{outcome:?}") == format!("{accepted:?}") => {}
            other => self.wrong.push(format!("at {now} it is not the same: {other:?}")),
        }
    }

    /// The right secret counts, beside a newer one too, and no other.
    fn secrets(&mut self) {
        let other = match self.signed.algorithm {
            Algorithm::Ed25519 => STANDARD.encode(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes()),
            Algorithm::HmacSha1 | Algorithm::HmacSha256 => "another secret".to_owned(),
        };
        let with = |secret: Option<&str>| {
            let mut harness = self.harness.clone();
            match secret {
                Some(secret) => harness.variables.values_mut().for_each(|value| secret.clone_into(value)),
                None => harness.variables.clear(),
            }
            harness
        };
        let (none, empty, mut rotated) = (with(None), with(Some("")), with(Some(&other)));
        if none.deliver(self.headers, self.body).map(drop) != Err(Refusal::Closed) {
            self.wrong.push("without a secret it is not closed".to_owned());
        }
        self.refused(&empty, "an empty secret", self.headers, self.body.as_bytes());
        self.refused(&rotated, "another secret", self.headers, self.body.as_bytes());
        for (name, value) in &self.harness.variables {
            rotated = rotated.secret(&format!("{name}_FALLBACK"), value);
        }
        if let Err(refusal) = rotated.deliver(self.headers, self.body) {
            self.wrong.push(format!("with its secret in the `_FALLBACK` of another: {refusal:?}"));
        }
    }

    /// Delivers another body with a right signature and the other headers.
    fn rightly_signed(&self, body: &[u8]) -> Result<Received, Refusal> {
        let ours = self.harness.sign(self.signed, self.secret.as_bytes(), body);
        let theirs =
            self.headers.iter().filter(|(name, _)| !ours.iter().any(|(our, _)| our.eq_ignore_ascii_case(name)));
        let headers: Vec<_> =
            theirs.copied().chain(ours.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect();
        self.harness.deliver(&headers, body)
    }

    /// What is signed rightly may still be anything.
    fn contents(&mut self) {
        let body = self.body.as_bytes();
        for text in [
            b"".to_vec(),
            b"Hello, World!".to_vec(),
            b"{'type':1}".to_vec(),
            b"{\"type\":\"\xff\"}".to_vec(),
            [b"\xef\xbb\xbf", body].concat(),
            [body, b"}"].concat(),
        ] {
            let received = self.rightly_signed(&text).map(drop);
            if received != Err(Refusal::NotJson) {
                self.wrong.push(format!("{:?} is no JSON, but {received:?}", String::from_utf8_lossy(&text)));
            }
        }
        for text in ["null", "true", "7", "\"text\"", "[]", &format!("[{}]", self.body), &nested("[", "]")] {
            match self.rightly_signed(text.as_bytes()) {
                Ok(Received::Delivery { outcome: Outcome::Problem(_), .. }) => {}
                other => self.wrong.push(format!("{:.40} is no object, but {other:?}", text)),
            }
        }
        let mut odd = vec![large(), nested("{\"type\":", "}").into_bytes()];
        let replacements = ["null", "-7", "1e999", "\"constructor\"", "[null]", "{}", &nested("[", "]")];
        let value: Value = serde_json::from_str(self.body).unwrap_or_default();
        for pointer in pointers(&value) {
            let mut with = value.clone();
            let Some(place) = with.pointer_mut(&pointer) else { continue };
            // As a text: so deep a value could be neither written nor dropped.
            *place = Value::from("\u{e000}");
            let with = with.to_string();
            odd.extend(replacements.iter().map(|other| with.replace("\"\u{e000}\"", other).into_bytes()));
        }
        for body in odd {
            if let Err(refusal) = self.rightly_signed(&body) {
                self.wrong.push(format!("{:.200} is refused: {refusal:?}", String::from_utf8_lossy(&body)));
            }
        }
    }
}

/// 10 MB of JSON.
fn large() -> Vec<u8> {
    format!("{{\"type\":\"{}\"}}", "a".repeat(10_000_000)).into_bytes()
}

fn nested(open: &str, close: &str) -> String {
    format!("{}null{}", open.repeat(DEPTH), close.repeat(DEPTH))
}

/// The JSON pointers to everything inside a value.
fn pointers(value: &Value) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(elements) => elements.iter().enumerate().map(|(at, it)| (at.to_string(), it)).collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (name, member) in members {
        let name = name.replace('~', "~0").replace('/', "~1");
        found.push(format!("/{name}"));
        found.extend(pointers(member).into_iter().map(|inner| format!("/{name}{inner}")));
    }
    found
}
