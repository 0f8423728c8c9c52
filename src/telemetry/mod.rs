//! What the program says about itself while it runs: metrics and logs. No HTTP here, and
//! no knowledge of records; usable from the adapters upwards.

pub mod log;
pub mod metrics;
mod process;

pub use metrics::Metrics;
