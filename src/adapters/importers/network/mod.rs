//! What the reports of network scanners have in common: hosts by names and addresses, checks
//! that name several vulnerabilities at once, versions in the text that a check prints,
//! dates as people write them. What a format's fields mean is the format's business and not
//! here.

pub mod checks;
pub mod cpe;
pub mod dates;
pub mod hosts;
pub mod markup;
pub mod printed;

pub use checks::{Affected, Hit};
