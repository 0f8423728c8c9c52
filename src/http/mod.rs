//! L4. HTTP in, services, HTTP out. Nothing here decides anything about vulnerabilities.

pub mod ui;
