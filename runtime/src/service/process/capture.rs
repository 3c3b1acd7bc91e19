//! What is kept of what a program prints, within bounds.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::service::Secret;

/// Bytes read at once.
const CHUNK_BYTES: usize = 8 * 1024;

/// What is kept of stderr: enough for a message and the lines that led to it.
pub(super) const STDERR_BYTES_MAX: usize = 4 * 1024;

/// Stands where a secret was.
const REDACTED: &[u8] = b"[secret]";

/// Why reading ended before the program did.
pub(super) enum CaptureError {
    /// The program printed more than it may.
    TooLarge,
    /// The pipe is broken.
    Io(io::Error),
}

impl From<io::Error> for CaptureError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The beginning of stdout.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) is_truncated: bool,
    max: usize,
    truncates: bool,
}

impl Head {
    pub(super) fn new(max: usize, truncates: bool) -> Self {
        // With room for a short output at once: one that is a secret then leaves no copies where the memory grew.
        Self { bytes: Vec::with_capacity(max.min(CHUNK_BYTES)), is_truncated: false, max, truncates }
    }

    /// Reads to the end, so that the program never waits for us; keeps what fits.
    pub(super) async fn fill(&mut self, mut from: impl AsyncRead + Unpin) -> Result<(), CaptureError> {
        let mut chunk = Zeroizing::new(vec![0; CHUNK_BYTES]);
        loop {
            let read = from.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            let kept = read.min(self.max - self.bytes.len());
            if kept < read && !self.truncates {
                return Err(CaptureError::TooLarge);
            }
            self.is_truncated |= kept < read;
            self.bytes.extend_from_slice(&chunk[..kept]);
        }
    }
}

/// The end of stderr.
#[derive(Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl Tail {
    /// Reads to the end, so that the program never waits for us; keeps the last bytes.
    pub(super) async fn fill(&mut self, mut from: impl AsyncRead + Unpin) -> Result<(), CaptureError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = from.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            self.bytes.extend(&chunk[..read]);
            let excess = self.bytes.len().saturating_sub(STDERR_BYTES_MAX);
            self.bytes.drain(..excess);
            self.is_cut |= excess > 0;
        }
    }

    /// The text without `secrets`, and without bytes that may be the end of one whose beginning is gone.
    pub(super) fn text<'s>(mut self, secrets: impl Iterator<Item = &'s Secret>) -> String {
        let mut secrets: Vec<_> = secrets.map(Secret::as_bytes).filter(|secret| !secret.is_empty()).collect();
        // The longest first: another one may begin like it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let hidden = secrets.first().map_or(0, |longest| longest.len() - 1);
        let mut shown = Vec::with_capacity(self.bytes.len());
        let bytes = self.bytes.make_contiguous();
        let mut at = 0;
        while at < bytes.len() {
            if let Some(secret) = secrets.iter().find(|secret| bytes[at..].starts_with(secret)) {
                shown.extend_from_slice(REDACTED);
                at += secret.len();
            } else {
                if !self.is_cut || at >= hidden {
                    shown.push(bytes[at]);
                }
                at += 1;
            }
        }
        let text = String::from_utf8_lossy(&shown);
        let text = text.trim();
        match self.is_cut {
            // The first character may be cut as well.
            true => format!("…{}", text.trim_start_matches(char::REPLACEMENT_CHARACTER)),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tail(printed: &str, secrets: &[&str]) -> String {
        let mut tail = Tail::default();
        assert!(tail.fill(printed.as_bytes()).await.is_ok());
        let secrets: Vec<_> = secrets.iter().copied().map(Secret::from).collect();
        tail.text(secrets.iter())
    }

    #[tokio::test]
    async fn the_tail_is_the_end() {
        assert_eq!(tail("  no such file\n", &[]).await, "no such file");
        let long = tail(&format!("{}end", "é".repeat(STDERR_BYTES_MAX)), &[]).await;
        assert!(long.len() <= STDERR_BYTES_MAX + "…".len(), "{}", long.len());
        assert!(long.starts_with("…é") && long.ends_with("éend"), "{long}");
    }

    #[tokio::test]
    async fn the_tail_shows_no_secret() {
        assert_eq!(tail("bad key s3cret-long!", &["s3cret", "s3cret-long", ""]).await, "bad key [secret]!");
        // The tail begins within the secret.
        let printed = format!("s3cret-key{}", ".".repeat(STDERR_BYTES_MAX - 3));
        let shown = tail(&printed, &["s3cret-key"]).await;
        assert!(shown.starts_with("…....") && !shown.contains("key"), "{shown}");
    }
}
