//! L0: what every layer may use. No I/O, no async, no framework.

pub mod error;
pub mod id;
pub mod key;
pub mod limits;
pub mod page;
pub mod record;
pub mod secret;
pub mod time;

pub use error::{Code, Error, Result};
pub use time::{Clock, Timestamp};
