//! Exports over a store in memory: each format against its own rules, the way back by our
//! importers, and what a stream keeps to.

mod filled;
mod formats;
mod roundtrip;
mod streams;
