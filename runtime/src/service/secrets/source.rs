//! Where a secret comes from.

use std::fmt;

/// Where a secret comes from: the variables of the environment that may hold it, else a lease.
///
/// ```
/// use system_bus_runtime::service::SecretSource;
///
/// const TODOIST: SecretSource =
///     SecretSource { variables: &["TODOIST_CLIENT_SECRET"], lease: Some("todoist_client_secret") };
/// assert_eq!(TODOIST.to_string(), "`TODOIST_CLIENT_SECRET` (lease `todoist_client_secret`)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretSource {
    /// The variables; the first that is set wins. With the ending `_FALLBACK` each may hold another value that still
    /// counts, so that a secret can be changed without a gap.
    pub variables: &'static [&'static str],
    /// The name under which the `secrets` program has it.
    pub lease: Option<&'static str>,
}

impl SecretSource {
    /// The variables as a message names them: `` `A` or `B` ``.
    pub(super) fn variables(&self) -> String {
        self.variables.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.variables, self.lease) {
            ([], Some(lease)) => write!(formatter, "the lease `{lease}`"),
            (_, Some(lease)) => write!(formatter, "{} (lease `{lease}`)", self.variables()),
            (_, None) => formatter.write_str(&self.variables()),
        }
    }
}
