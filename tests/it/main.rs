//! One integration binary: each module is a suite against the public surface.

mod edge;
