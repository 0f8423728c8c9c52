//! L3: what a user can do. One file per noun, one public function per verb: check the
//! role, let the domain decide, write it in a named transaction together with the audit
//! entry. No HTTP here.

pub mod aliases;
pub mod assets;
pub mod audit;
pub mod auth;
pub mod bulk;
pub mod context;
pub mod core;
pub mod decisions;
pub mod edit;
pub mod exports;
pub mod findings;
pub mod identity;
pub mod imports;
pub mod jobs;
pub mod listing;
pub mod maintenance;
pub mod mappings;
pub mod moving;
pub mod packages;
pub mod passwords;
pub mod patches;
pub mod policies;
pub mod ports;
pub mod rules;
pub mod stats;
pub mod tally;
pub mod tokens;
pub mod undo;
pub mod users;
pub mod vulnerabilities;

/// How queries are written: filters, orders, windows.
pub use crate::store::query;
/// The entity tag of a stored row.
pub use crate::store::row::entity_tag;
pub use context::{Actor, Ctx};
pub use core::{Core, Options};
