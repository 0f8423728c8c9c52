//! The one integration test binary: each module is a suite against the public surface.

mod config;
mod edge;
mod tidy;
mod ui;
