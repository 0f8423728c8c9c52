//! The one integration test binary: one file a subject.

#![allow(clippy::disallowed_methods, reason = "tests start programs and have switches")]

mod config;
mod tidy;
mod ui;
