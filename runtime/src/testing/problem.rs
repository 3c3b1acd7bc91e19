//! Why a run of the harness, or one of its checks, failed.

use std::fmt;
use std::time::Duration;

use crate::function::StepKind;

/// Why a run of the harness, or one of its checks, failed. Its debug form is the message, so that `unwrap` reads well.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum HarnessError {
    /// The function is not linked into the test binary.
    #[error("no function `{0}` is linked: name its crate with `use … as _;`, or use `Harness::registered`")]
    NotLinked(&'static str),
    /// The data of an event, an answer or a state value cannot be written as JSON.
    #[error("the data given for `{name}` cannot be written as JSON: {message}")]
    Encode {
        /// What the data was for.
        name: String,
        /// What `serde_json` says.
        message: String,
    },
    /// A step asks for an answer that the script does not have.
    #[error("the step `{step}` ({kind:?}) has no answer: add {}", remedy(*.kind))]
    NoAnswer {
        /// The step's name.
        step: String,
        /// What it does.
        kind: StepKind,
    },
    /// An answer was not used: its step was never reached.
    #[error("the answer for the step `{0}` was not used: the function never came to a step of this name")]
    UnusedAnswer(String),
    /// The function goes on for ever, as a loop without end does.
    #[error("the function did not end within {limit} steps and attempts: raise `steps_max` when it really takes more")]
    TooManySteps {
        /// The limit.
        limit: usize,
    },
    /// The function waits for something that does not come.
    #[error("the function did not end within {limit:?}: {waits_for}")]
    NeverEnds {
        /// The limit.
        limit: Duration,
        /// What it waits for.
        waits_for: String,
    },
    /// A finished step asked to run again.
    #[error("the step `{0}` had finished and ran again")]
    RanAgain(String),
    /// The function ended with an error where it must succeed.
    #[error("the function failed: {name}: {message}")]
    Failed {
        /// The error's name.
        name: String,
        /// What went wrong.
        message: String,
    },
    /// Something that must be the same in two runs is not.
    #[error("{what} differ: {expected} without a failure, {actual} with it{}", advice(.what))]
    Differs {
        /// What was compared.
        what: &'static str,
        /// In the run without a failure.
        expected: String,
        /// In the run with one.
        actual: String,
    },
    /// A step of the first run did not occur in another run.
    #[error("the step did not occur in a second run: step names must be the same at every run")]
    StepGone,
    /// One of the checks found a problem.
    #[error("{check}, step `{step}`: {problem}")]
    Check {
        /// What the check did.
        check: &'static str,
        /// To which step.
        step: String,
        /// What came of it.
        problem: Box<HarnessError>,
    },
}

fn remedy(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Invoke => "`answer_invoke` or `fail_step`",
        StepKind::WaitForSignal => "`answer_signal` or `time_out`",
        StepKind::Fetch => "`answer_fetch` or `fail_step`",
        StepKind::Infer => "`answer_infer` or `fail_step`",
        _ => "`answer_wait` or `time_out`",
    }
}

fn advice(what: &str) -> &'static str {
    if what == super::checks::OUTPUTS {
        " (`Harness::varies` allows outputs that hold times or random values)"
    } else {
        ""
    }
}

impl fmt::Debug for HarnessError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
