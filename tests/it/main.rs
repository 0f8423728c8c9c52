//! The one integration test binary: one file a subject.

mod config;
mod tidy;
mod ui;
