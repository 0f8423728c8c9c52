//! The one integration test binary: each module is a suite against the public surface.

#![allow(clippy::disallowed_methods, reason = "tests start programs and have switches")]

mod config;
mod edge;
mod tidy;
mod ui;
