//! JSON as JavaScript writes it again, `JSON.stringify(JSON.parse(text))`: the form in which Front signs a rule's webhook.
//!
//! Numbers are doubles, escapes are as few as may be, of equal members the last value stands at the first place, and
//! members whose names are array indices come first, in ascending order (ECMA-262, `SerializeJSONProperty` and
//! `OrdinaryOwnPropertyKeys`).

use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;

/// How deep arrays and objects may lie in each other; vendors' have a dozen levels.
const DEPTH_MAX: usize = 128;

/// Bytes of an escape by number.
const ESCAPE: usize = br"\u00e9".len();

/// The text written again; `None` when it is no JSON, or too deep.
pub(super) fn compact(text: &[u8]) -> Option<Vec<u8>> {
    // What follows takes apart what is known to be JSON.
    let valid: &RawValue = serde_json::from_slice(text).ok()?;
    let rest = valid.get().as_bytes();
    let mut writer = Writer { rest, out: Vec::with_capacity(rest.len()) };
    writer.value(0)?;
    Some(writer.out)
}

/// What is still to be read, and what is written.
struct Writer<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
}

/// Where a member's name and value stand in what is written.
struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

impl<'a> Writer<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                let word = self.take_while(u8::is_ascii_lowercase);
                self.write(word);
                Some(())
            }
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    /// Passes over this byte, if it comes next.
    fn pass(&mut self, byte: u8) -> bool {
        let passes = self.peek() == Some(byte);
        self.take(usize::from(passes));
        passes
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, holds: impl Fn(&u8) -> bool) -> &'a [u8] {
        self.take(self.rest.iter().take_while(|byte| holds(byte)).count())
    }

    fn write(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.pass(b'[');
        self.out.push(b'[');
        while !self.pass(b']') {
            if self.pass(b',') {
                self.out.push(b',');
            }
            self.value(depth + 1)?;
        }
        self.out.push(b']');
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let start = self.out.len();
        let mut members = Vec::new();
        self.pass(b'{');
        self.out.push(b'{');
        while !self.pass(b'}') {
            if self.pass(b',') {
                self.out.push(b',');
            }
            self.peek();
            let name = self.out.len();
            self.text()?;
            let name = name..self.out.len();
            self.pass(b':');
            self.out.push(b':');
            let value = self.out.len();
            self.value(depth + 1)?;
            members.push(Member { name, value: value..self.out.len() });
        }
        self.out.push(b'}');
        if let Some(ordered) = ordered(&members, &self.out) {
            self.out.truncate(start);
            self.out.extend_from_slice(&ordered);
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let text = self.take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        let mut buffer = ryu_js::Buffer::new();
        let text = if number.is_finite() { buffer.format_finite(number) } else { "null" };
        self.write(text.as_bytes());
        Some(())
    }

    fn text(&mut self) -> Option<()> {
        self.take(1);
        self.out.push(b'"');
        loop {
            let plain = self.take_while(|byte| !matches!(byte, b'"' | b'\\'));
            self.write(plain);
            if *self.rest.first()? == b'"' {
                self.take(1);
                self.out.push(b'"');
                return Some(());
            }
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.rest.get(1)? {
            b'u' => {
                let units = [Some(self.unit(0)?), self.unit(ESCAPE)];
                match char::decode_utf16(units.into_iter().flatten()).next()? {
                    Ok(character) => {
                        self.take(ESCAPE * character.len_utf16());
                        self.character(character);
                    }
                    // Half a surrogate pair is no character.
                    Err(half) => {
                        self.take(ESCAPE);
                        self.write(format!("\\u{:04x}", half.unpaired_surrogate()).as_bytes());
                    }
                }
            }
            b'/' => {
                self.take(2);
                self.out.push(b'/');
            }
            _ => {
                let escape = self.take(2);
                self.write(escape);
            }
        }
        Some(())
    }

    /// The number that is escaped so many bytes from here.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.rest.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    fn character(&mut self, character: char) {
        let mut buffer = [0; 4];
        let text = match character {
            '"' => r#"\""#,
            '\\' => r"\\",
            '\u{8}' => r"\b",
            '\u{c}' => r"\f",
            '\n' => r"\n",
            '\r' => r"\r",
            '\t' => r"\t",
            '\0'..='\u{1f}' => &format!("\\u{:04x}", u32::from(character)),
            _ => character.encode_utf8(&mut buffer),
        };
        self.write(text.as_bytes());
    }
}

/// The object with its members in JavaScript's order; `None` when they are.
fn ordered(members: &[Member], out: &[u8]) -> Option<Vec<u8>> {
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut kept: Vec<(&[u8], &[u8])> = Vec::with_capacity(members.len());
    for Member { name, value } in members {
        let (name, value) = (&out[name.clone()], &out[value.clone()]);
        let place = *places.entry(name).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(member) => member.1 = value,
            None => kept.push((name, value)),
        }
    }
    if kept.len() == members.len() && kept.iter().all(|(name, _)| array_index(name).is_none()) {
        return None;
    }
    kept.sort_by_key(|(name, _)| array_index(name).unwrap_or(u32::MAX));
    let members: Vec<Vec<u8>> = kept.iter().map(|(name, value)| [name, b":".as_slice(), value].concat()).collect();
    Some([b"{".as_slice(), &members.join(&b','), b"}"].concat())
}

/// The number of a quoted name that is an array index: an integer below 2^32 - 1 as JavaScript writes it.
fn array_index(name: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(name).ok()?.trim_matches('"');
    let is_canonical = digits == "0" || !digits.starts_with(['0', '+']);
    digits.parse().ok().filter(|index| is_canonical && *index != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What V8 makes of each text (Node 20).
    const TABLE: &[(&str, &str)] = &[
        (r"null", r"null"),
        (r" [ ] ", r"[]"),
        (r"{ }", r"{}"),
        (r"[ 1 , 2,3 ]", r"[1,2,3]"),
        (r#"{"a" : true ,"b":[ { "c" : null } ]}"#, r#"{"a":true,"b":[{"c":null}]}"#),
        (r"1.0", r"1"),
        (r"1e3", r"1000"),
        (r"-0", r"0"),
        (r"-0.0", r"0"),
        (r"0.1", r"0.1"),
        (r"1E20", r"100000000000000000000"),
        (r"1e21", r"1e+21"),
        (r"1e-6", r"0.000001"),
        (r"1e-7", r"1e-7"),
        (r"123456789012345680000", r"123456789012345680000"),
        (r"9007199254740993", r"9007199254740992"),
        (r"18446744073709551616", r"18446744073709552000"),
        (r"1735787045.123", r"1735787045.123"),
        (r"1735787045.1200", r"1735787045.12"),
        (r"1.7976931348623157e308", r"1.7976931348623157e+308"),
        (r"1e400", r"null"),
        (r"-1e400", r"null"),
        (r"5e-324", r"5e-324"),
        (r"1e-400", r"0"),
        (r"2.2250738585072011e-308", r"2.225073858507201e-308"),
        (r#""Caf\u00e9 \/ tea?""#, r#""Café / tea?""#),
        (r#""\u0041\u005c\u0022\u002f""#, r#""A\\\"/""#),
        (r#""\b\f\n\r\t\"\\""#, r#""\b\f\n\r\t\"\\""#),
        (r#""\u0008\u000C\u000a\u000D\u0009""#, r#""\b\f\n\r\t""#),
        (r#""\u0000\u001F\u007e""#, r#""\u0000\u001f~""#),
        (r#""\ud83d\uDE00""#, r#""😀""#),
        (r#""\uD83D""#, r#""\ud83d""#),
        (r#""\uDE00\uD83D""#, r#""\ude00\ud83d""#),
        (r#""\uD83D\uD83D\uDE00""#, r#""\ud83d😀""#),
        (r#""\uD83Dx\n\ud83d\u0041""#, r#""\ud83dx\n\ud83dA""#),
        (r#""\\ud83d""#, r#""\\ud83d""#),
        (r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
        (r#"{"b":1,"2":2,"a":3,"10":4,"1":5}"#, r#"{"1":5,"2":2,"10":4,"b":1,"a":3}"#),
        (r#"{"01":1,"1":2,"-1":3,"1.5":4,"0":5}"#, r#"{"0":5,"1":2,"01":1,"-1":3,"1.5":4}"#),
        (r#"{"4294967295":1,"4294967294":2,"x":3}"#, r#"{"4294967294":2,"4294967295":1,"x":3}"#),
        (r#"{"4294967296":1,"18446744073709551616":2,"+1":3}"#, r#"{"4294967296":1,"18446744073709551616":2,"+1":3}"#),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"\u0061":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"a":{"z":1,"1":2},"a":{"1":1,"z":0,"0":9}}"#, r#"{"a":{"0":9,"1":1,"z":0}}"#),
        (r#"{"x":1,"\u0031":2,"0":3,"1":4}"#, r#"{"0":3,"1":4,"x":1}"#),
        (r#"{"__proto__":1,"constructor":{"toString":null}}"#, r#"{"__proto__":1,"constructor":{"toString":null}}"#),
        (r#"{"":1,"\"":2,"":3}"#, r#"{"":3,"\"":2}"#),
        (r#"{"a":[1.0,{"2":"\u00e9","1":-0}]}"#, r#"{"a":[1,{"1":0,"2":"é"}]}"#),
    ];

    fn written(text: &str) -> Option<String> {
        compact(text.as_bytes()).map(|out| String::from_utf8(out).expect("is text"))
    }

    #[test]
    fn json_is_written_as_javascript_writes_it() {
        for (text, expected) in TABLE {
            assert_eq!(written(text).as_deref(), Some(*expected), "{text}");
            assert_eq!(written(expected).as_deref(), Some(*expected), "again");
        }
    }

    #[test]
    fn characters_that_need_no_escape_stay() {
        for text in ["\"\u{2028}\u{7f}\u{80}\u{feff}é\u{1f600}\"", "\"</script>\""] {
            assert_eq!(written(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_json_has_no_other_form() {
        for text in
            ["", " ", "{", "[1,]", "{'a':1}", "01", "+1", "1.", "nul", "\"", "\"\t\"", r#""\u12""#, "1 2", "\u{feff}1"]
        {
            assert_eq!(written(text), None, "{text}");
        }
        assert_eq!(compact(b"\"\xff\""), None);
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(written(&nested(DEPTH_MAX)), Some(nested(DEPTH_MAX)));
        assert_eq!(written(&nested(DEPTH_MAX + 2)), None);
        assert_eq!(written(&nested(100_000)), None);
    }
}
