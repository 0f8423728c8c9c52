//! L4: durable work and what is done from time to time. Handlers load, call services and
//! record; they know no HTTP.

mod runner;
mod watcher;

pub use runner::{Runner, Workers};
pub use watcher::Watched;
