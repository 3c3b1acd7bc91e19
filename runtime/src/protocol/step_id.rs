//! The id of a step on the wire: the SHA-1 of its name (`SDK_SPEC.md` §5.1).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use sha1::{Digest, Sha1};

/// The id of a step: SHA-1 of its name, with `:n` appended for the n-th repeat of the name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepId([u8; 20]);

impl StepId {
    /// The id of the step with this name; repeats are told apart by the caller's `name:n`.
    pub fn of(name: &str) -> Self {
        Self(Sha1::digest(name.as_bytes()).into())
    }

    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

/// What no hexadecimal digit's value has in common with one.
const NO_DIGIT: u8 = 0x80;

/// The value of each hexadecimal digit, [`NO_DIGIT`] for every other byte.
const NIBBLES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        values[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

impl Hash for StepId {
    /// The words of the hash: fewer than its bytes, and a request's steps are hashed several times.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (words, rest) = self.0.as_chunks::<8>();
        words.iter().for_each(|word| state.write_u64(u64::from_ne_bytes(*word)));
        rest.as_chunks::<4>().0.iter().for_each(|word| state.write_u32(u32::from_ne_bytes(*word)));
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StepId({self})")
    }
}

/// A map by step id. The ids are hashes already, but servers choose them, so they are mixed with a seed of the process.
pub(crate) type StepMap<T> = std::collections::HashMap<StepId, T, foldhash::fast::RandomState>;

/// A text that is no step id: not 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a step id has 40 hexadecimal digits")]
pub struct StepIdError;

impl FromStr for StepId {
    type Err = StepIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: &[u8; 40] = text.as_bytes().try_into().map_err(|_| StepIdError)?;
        let mut bytes = [0; 20];
        let mut seen = 0;
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
            seen |= high | low;
            *byte = high << 4 | low & 0xf;
        }
        // Looked at once at the end: a request holds thousands of ids, and all of them are good.
        if seen & NO_DIGIT != 0 { Err(StepIdError) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_id_reads_back_what_it_prints(name in ".*", bytes in any::<[u8; 20]>()) {
            for id in [StepId::of(&name), StepId(bytes)] {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }

        #[test]
        fn any_text_is_an_id_or_an_error(text in "[0-9a-fA-F+]{38,42}|.{0,42}") {
            let id = text.parse::<StepId>();
            prop_assert_eq!(id.is_ok(), text.len() == 40 && text.bytes().all(|it| it.is_ascii_hexdigit()));
            if let Ok(id) = id {
                prop_assert_eq!(id.to_string(), text.to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn the_id_is_the_sha1_of_the_name() {
        assert_eq!(StepId::of("abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn what_is_no_hash_is_no_id() {
        let id = StepId::of("a").to_string();
        for text in [&id[1..], &format!("{id}00"), &id.replacen(&id[..1], "g", 1), &id.replacen(&id[..2], "é", 1)] {
            assert_eq!(text.parse::<StepId>(), Err(StepIdError), "{text}");
        }
    }

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = StepId::of("a:1");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("a:1".parse::<StepId>(), Err(StepIdError));
    }
}
