//! L4: durable work and what is done from time to time. Handlers load, call services and
//! record; they know no HTTP.

mod runner;

pub use runner::{Runner, Workers};
