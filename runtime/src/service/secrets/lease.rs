//! One use of the `secrets` program.

use std::time::Duration;

use tokio::time::Instant;

use super::Secret;
use crate::error::{Error, Result};
use crate::service::{Invocation, ProcessError, Processes};

/// The program that leases.
pub(super) const PROGRAM: &str = "secrets";

/// How long a lease lasts, as the program is asked for it and as it is counted here.
pub(super) const TTL: Duration = Duration::from_secs(24 * 60 * 60);
const TTL_ARGUMENT: &str = "24h";

/// After 5/6 of its time a lease is renewed, which leaves four hours for a `secrets` program that is out of order.
const RENEWED_AFTER: Duration = Duration::from_secs(20 * 60 * 60);

/// Leases of one start are renewed up to this much earlier, so that they do not all come at once.
const JITTER_MAX: Duration = Duration::from_secs(60 * 60);

/// How long the program may take; it asks an agent on the same machine.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a value; the largest are keys and certificates.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// A value that was leased.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) secret: Secret,
    pub(super) renew_at: Instant,
    pub(super) expires_at: Instant,
}

/// Why nothing was leased.
pub(super) struct LeaseFailure {
    /// For people; it holds no value.
    pub(super) message: String,
    /// Whether the program is not there at all.
    pub(super) is_program_missing: bool,
}

/// Leases the secret of this name, for [`TTL`] from now. Time in which the machine sleeps does not count.
pub(super) async fn take(processes: &Processes, name: &str) -> Result<Lease, LeaseFailure> {
    let invocation = Invocation::new(PROGRAM)
        .args(["lease", name, "--ttl", TTL_ARGUMENT])
        .timeout(TIMEOUT)
        .output_max(VALUE_BYTES_MAX);
    let asked_at = Instant::now();
    let output = processes.run(invocation).await.map_err(|error| LeaseFailure {
        is_program_missing: matches!(error, ProcessError::NotFound { .. }),
        message: error.to_string(),
    })?;
    let secret =
        value(output.stdout).map_err(|error| LeaseFailure { message: error.to_string(), is_program_missing: false })?;
    let jitter = JITTER_MAX.mul_f64(fastrand::f64());
    Ok(Lease { secret, renew_at: asked_at + RENEWED_AFTER - jitter, expires_at: asked_at + TTL })
}

/// The value without the end of its line.
fn value(stdout: Vec<u8>) -> Result<Secret> {
    // The error of the conversion holds the bytes, so it goes no further.
    let mut text = String::from_utf8(stdout)
        .map_err(|_| Error::retryable(format!("`{PROGRAM}` printed a value that is no UTF-8 text")))?;
    let line = text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    text.truncate(line);
    if text.trim().is_empty() {
        return Err(Error::retryable(format!("`{PROGRAM}` printed an empty value")));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_loses_the_end_of_its_line_and_nothing_else() {
        for (printed, expected) in
            [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" a\nb\n\n", " a\nb\n"), ("s", "s")]
        {
            assert_eq!(value(printed.into()).expect("is a value").expose(), expected);
        }
    }

    #[test]
    fn an_empty_or_unreadable_value_is_refused_without_showing_it() {
        for printed in [&b""[..], b"\n", b" \r\n", b"s3cret\xff\n"] {
            let error = value(printed.to_vec()).err().expect("is refused");
            assert!(error.message().starts_with("`secrets` printed") && !error.message().contains("s3cret"));
        }
    }
}
