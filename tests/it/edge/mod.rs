//! The HTTP edge over real sockets. Each fault that was measured in poem 3.1.12's own
//! server, compression or size limit has its test here.

mod answers;
mod api;
mod client;
mod conditions;
mod documentation;
mod logs;
mod refusals;
mod server;
mod slow;
