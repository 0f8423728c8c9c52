//! `VulnZero`: a self-hosted vulnerability remediation server in one executable.
//!
//! This file is the list of modules and the layer table that `tests/it/tidy.rs`
//! holds the sources to. Nothing else lives here.
//!
//! ```text
//! L5  cli · app · config      may import anything below
//! L4  http · jobs             services, domain, base (never each other; store only through services)
//! L3  services                domain, store, adapters, base
//! L2  adapters                domain, base
//! L1  domain │ store          base (never each other)
//! L0  base                    nothing
//! telemetry: usable from L2 up
//! ```

// Tests may look at the environment and run programs; the library itself is compiled
// without this and held to the list in clippy.toml.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod adapters;
pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod jobs;
pub mod services;
pub mod store;
pub mod telemetry;
