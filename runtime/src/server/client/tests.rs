//! The client against a server of the test's own, which answers what a real server has answered.

mod send;
mod stored;
mod stub;
