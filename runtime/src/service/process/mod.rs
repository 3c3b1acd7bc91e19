//! Other programs: the one door to them. A bad exit, a signal and a time-out are errors, and nothing that a program
//! started outlives the call.

mod capture;
mod error;
mod group;
mod invocation;
mod local;
mod output;
mod processes;

pub use error::ProcessError;
pub use invocation::{EnvValue, Invocation};
pub use local::LocalProcesses;
pub use output::Output;
pub use processes::{ProcessFuture, ProcessRunner, Processes};

#[cfg(test)]
#[cfg(unix)]
mod tests;
