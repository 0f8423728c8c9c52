//! L4: the door for browsers, scripts and scanners. Reads requests, calls one service,
//! writes bytes. No rule of the product is decided here and nothing is stored.
//!
//! poem and poem-openapi route, extract and describe; the edge around them is our own,
//! because poem's server, compression and size limit do not hold (each fault is a
//! regression test in `tests/it/edge`).

pub mod api;
pub mod auth;
pub mod body;
pub mod contract;
pub mod edge;
pub mod layers;
pub mod openapi;
pub mod params;
pub mod problem;
pub mod reply;
pub mod routes;
pub mod server;
pub mod system;
pub mod ui;

pub use body::{Body, MergeBody};
pub use edge::{EdgeOptions, edge};
pub use problem::Problem;
pub use reply::{JsonBytes, NoContent, Reply};
