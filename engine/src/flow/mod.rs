//! Flow control: whether a run or a step may execute now. Policies touch neither store nor network.

mod concurrency;

pub(crate) use concurrency::{Admission, Concurrency, Slot};
