//! The id of a step on the wire: the SHA-1 of its name (`SDK_SPEC.md` §5.1).

use std::fmt;
use std::str::FromStr;

use sha1::{Digest, Sha1};

/// The id of a step: SHA-1 of its name, with `:n` appended for the n-th repeat of the name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// A text that is no step id: not 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a step id has 40 hexadecimal digits")]
pub struct StepIdError;

impl FromStr for StepId {
    type Err = StepIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(StepIdError);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| StepIdError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| StepIdError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_sha1_of_the_name() {
        assert_eq!(StepId::of("abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = StepId::of("a:1");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("a:1".parse::<StepId>(), Err(StepIdError));
    }
}
