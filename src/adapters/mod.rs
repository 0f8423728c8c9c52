//! L2: the plug-in points. One folder per kind of adapter, one file per implementation;
//! each knows one format or protocol and nothing of storage or HTTP.

pub mod exporters;
pub mod importers;
pub mod inventory;
