//! Exit codes, part of the contract with scripts.

use crate::base::Code;

/// Done.
pub const OK: u8 = 0;
/// It failed.
pub const FAILED: u8 = 1;
/// There is no such thing.
pub const NOT_FOUND: u8 = 3;
/// Not logged in, or not allowed.
pub const NOT_ALLOWED: u8 = 4;
/// The current state does not allow it.
pub const CONFLICT: u8 = 5;
/// The input (a report, a field, the configuration) is not acceptable.
pub const BAD_INPUT: u8 = 6;
/// Server or data directory cannot be used right now.
pub const UNAVAILABLE: u8 = 7;
/// `check` found something that does not hold.
pub const FAULTS: u8 = 8;

/// The exit code of an error.
#[must_use]
pub fn of(code: Code) -> u8 {
    match code {
        Code::NotFound => NOT_FOUND,
        Code::Unauthenticated | Code::BadCredentials | Code::Forbidden | Code::CsrfRejected => {
            NOT_ALLOWED
        }
        Code::Conflict | Code::Duplicate | Code::VersionMismatch => CONFLICT,
        Code::BadRequest
        | Code::MalformedJson
        | Code::UnsupportedQuery
        | Code::TooLarge
        | Code::UriTooLong
        | Code::UnsupportedMediaType
        | Code::Invalid
        | Code::BadReport
        | Code::HeadersTooLarge
        | Code::NotAcceptable
        | Code::MethodNotAllowed => BAD_INPUT,
        Code::TooManyRequests
        | Code::RequestTimeout
        | Code::StorageUnavailable
        | Code::ReadOnly
        | Code::Unavailable
        | Code::Locked => UNAVAILABLE,
        Code::Internal => FAILED,
    }
}

/// The table for `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  it failed
  2  the arguments are wrong
  3  there is no such thing
  4  not logged in, or not allowed
  5  the current state does not allow it
  6  the input (a report, a field, the configuration) is not acceptable
  7  the server or the data directory cannot be used right now
  8  check found something that does not hold";
