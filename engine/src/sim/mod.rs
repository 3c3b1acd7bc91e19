//! The real core, store and sessions in a world with virtual time and faults from a seed.
//!
//! Nothing sleeps and nothing is random but the seed: a failure is repeated by running its seed again.

mod behaviour;
mod failures;
mod faults;
mod functions;
mod regressions;
mod signals;
mod world;
