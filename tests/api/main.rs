//! The API as clients meet it: the real executable over real HTTP, one server for each
//! story. Every JSON answer of every test is held to the API description (`document.rs`),
//! and every server must end cleanly (`harness.rs`).

#![allow(clippy::disallowed_methods, reason = "tests start programs and have switches")]

mod audit;
mod client;
mod clock;
mod conditions;
mod decisions;
mod description;
mod document;
mod errors;
mod exports;
mod harness;
mod identity;
mod imports;
mod jobs;
mod lists;
mod mappings;
mod originals;
mod quarantine;
mod records;
mod rescans;
mod roles;
mod rules;
mod services;
mod sessions;
mod setup;
mod threads;
mod tokens;
mod undo;
mod uploads;
mod users;
mod watch;
