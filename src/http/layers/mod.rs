//! What happens to every request around its handler, one concern a file. `edge` puts them
//! in order and says why in that order; a layer knows nothing of the others.

pub mod access_log;
pub mod catch;
pub mod client;
pub mod compression;
pub mod etag;
pub mod head;
pub mod limits;
pub mod rate_limit;
pub mod request_id;
pub mod routes;
pub mod security_headers;
