//! A program to be run, and the bounds that it runs in.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::service::Secret;

/// How long a program may run when the invocation says nothing.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// What a program may print when the invocation says nothing; all places together stay below 16 MiB.
const OUTPUT_BYTES_DEFAULT: usize = 1024 * 1024;

/// A program to be run. No shell is involved: each argument arrives as it is.
///
/// The program is looked up in `PATH`. It gets the worker's environment, and no input, unless told otherwise. Its debug
/// form shows neither arguments nor environment nor input, which may be confidential.
///
/// ```
/// use std::time::Duration;
/// use system_bus_runtime::service::{Invocation, Secret};
///
/// # let token = Secret::from("t");
/// let push = Invocation::new("git")
///     .args(["push", "origin", "main"])
///     .env("GIT_TOKEN", token)
///     .current_dir("/srv/repository")
///     .timeout(Duration::from_secs(30));
/// assert_eq!(format!("{push:?}"), r#"Invocation { program: "git", arguments: 3, .. }"#);
/// ```
#[derive(Clone)]
pub struct Invocation {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) stdin: Option<Vec<u8>>,
    pub(super) inherits_env: bool,
    pub(super) env: Vec<(OsString, EnvValue)>,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) timeout: Duration,
    pub(super) output_max: usize,
    pub(super) truncates: bool,
    pub(super) accepted: Vec<i32>,
}

/// The value of an environment variable of a program: any text, or a [`Secret`].
///
/// A secret is replaced by `[secret]` where the program prints it to stderr.
#[derive(Clone)]
pub enum EnvValue {
    /// A value that may be shown.
    Plain(OsString),
    /// A value that may not.
    Secret(Secret),
}

impl Invocation {
    /// `program` without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            stdin: None,
            inherits_env: true,
            env: Vec::new(),
            current_dir: None,
            timeout: TIMEOUT_DEFAULT,
            output_max: OUTPUT_BYTES_DEFAULT,
            truncates: false,
            accepted: Vec::new(),
        }
    }

    /// Adds an argument. Every user of the machine can read it while the program runs: give secrets by
    /// [`Invocation::env`] or [`Invocation::stdin`].
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item: Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Gives the program this input, in place of none.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<EnvValue>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Starts from an empty environment: the program gets only the variables that are set after this.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.inherits_env = false;
        self.env.clear();
        self
    }

    /// Runs the program in this directory, in place of the worker's.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(directory.into());
        self
    }

    /// Ends the program when it takes longer than this, counted from its start; 60 seconds when nothing is said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Takes at most this many bytes from stdout, 1 MiB when nothing is said; more of them end the program with an error.
    #[must_use]
    pub fn output_max(mut self, bytes: usize) -> Self {
        self.output_max = bytes;
        self
    }

    /// Drops what goes beyond the limit of the output, in place of the error.
    #[must_use]
    pub fn truncate_output(mut self) -> Self {
        self.truncates = true;
        self
    }

    /// Counts this exit status as good too, such as the 1 of a `grep` that finds nothing.
    #[must_use]
    pub fn accept_status(mut self, code: i32) -> Self {
        self.accepted.push(code);
        self
    }

    /// The program.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The arguments.
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// The input.
    pub fn input(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// The value of a variable that the invocation sets, a secret one included.
    pub fn variable(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let mut latest = self.env.iter().rev();
        latest.find(|(set, _)| set == name.as_ref()).map(|(_, value)| value.as_os_str())
    }

    /// The program, for messages.
    pub(super) fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// What must not be seen of stderr.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.env.iter().filter_map(|(_, value)| match value {
            EnvValue::Secret(secret) => Some(secret),
            EnvValue::Plain(_) => None,
        })
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Invocation")
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .finish_non_exhaustive()
    }
}

impl EnvValue {
    pub(super) fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Plain(value) => value,
            Self::Secret(secret) => secret.expose().as_ref(),
        }
    }
}

impl<T: Into<OsString>> From<T> for EnvValue {
    fn from(value: T) -> Self {
        Self::Plain(value.into())
    }
}

impl From<Secret> for EnvValue {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}
