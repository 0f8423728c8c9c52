//! The one error type and the table of error codes.
//!
//! A [`Code`] is what a client may branch on: slug, HTTP status, title and remedy come
//! from the one table below. [`Error::detail`] and [`Error::fields`] go to the client;
//! [`Error::source`] goes to the log, once, at the door. `Display` never includes the
//! source.

use std::borrow::Cow;
use std::fmt;

/// Result with the program's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $slug:literal $status:literal $title:literal $remedy:literal;)*) => {
        /// What kind of thing went wrong; stable, and part of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The stable, kebab-case name, used in the problem `type`.
            #[must_use]
            pub const fn slug(self) -> &'static str { match self { $(Code::$name => $slug),* } }

            /// The HTTP status code.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status),* } }

            /// A short sentence for people, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Code::$name => $title),* } }

            /// What the reader can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str { match self { $(Code::$name => $remedy),* } }
        }
    };
}

codes! {
    /// The request cannot be understood at all.
    BadRequest "bad-request" 400 "The request is malformed" "Compare the request with the documentation at /docs.";
    /// The body is not valid JSON; the detail names line and column.
    MalformedJson "malformed-json" 400 "The body is not valid JSON" "Correct the JSON at the line and column named.";
    /// A query combines filters and order in a way no index serves.
    UnsupportedQuery "unsupported-query" 400 "This combination of filter and order is not served" "Use one of the fields that the detail names.";
    /// No valid credentials were given.
    Unauthenticated "unauthenticated" 401 "Authentication is required" "Log in, or send an API token as 'Authorization: Bearer …'.";
    /// User name and password do not match.
    BadCredentials "bad-credentials" 401 "User name or password is wrong" "Check both; after several failures the account pauses for a while.";
    /// The actor's role does not allow this.
    Forbidden "forbidden" 403 "This is not allowed" "Ask an administrator for a role that allows it.";
    /// A state-changing request with a session cookie came without the session's CSRF token.
    CsrfRejected "csrf-rejected" 403 "The request did not come from the dashboard" "Send the session's csrf_token in the X-CSRF-Token header.";
    /// There is no such thing.
    NotFound "not-found" 404 "Not found" "Check the id or the path.";
    /// The path exists, the method does not.
    MethodNotAllowed "method-not-allowed" 405 "The method is not allowed here" "Use a method named in the Allow header.";
    /// None of the media types that the client accepts is available.
    NotAcceptable "not-acceptable" 406 "No acceptable representation" "Accept application/json.";
    /// The client took too long to send its request.
    RequestTimeout "request-timeout" 408 "The request took too long to arrive" "Send it again; check the connection.";
    /// The current state does not allow the change.
    Conflict "conflict" 409 "The current state does not allow this" "Read the resource again and decide anew.";
    /// A unique value is already taken.
    Duplicate "duplicate" 409 "It exists already" "Change the existing one, or choose another key.";
    /// `If-Match` names a version that is not the current one.
    VersionMismatch "version-mismatch" 412 "It was changed in the meantime" "Read it again, then send the change with the new ETag.";
    /// The body is larger than allowed.
    TooLarge "too-large" 413 "The body is too large" "Send less, or raise the limit in the configuration.";
    /// The request line is too long.
    UriTooLong "uri-too-long" 414 "The address is too long" "Shorten the query.";
    /// The body has a media type or encoding that is not understood.
    UnsupportedMediaType "unsupported-media-type" 415 "The media type is not supported" "Use a media type that the documentation names.";
    /// The body is well-formed but its content is not acceptable.
    Invalid "invalid" 422 "The content is not acceptable" "Correct the fields named.";
    /// A report or document could not be read; the detail names the place.
    BadReport "bad-report" 422 "The report cannot be read" "Check the file at the place named, or export it again.";
    /// Too many requests or failed log-ins.
    TooManyRequests "too-many-requests" 429 "Too many requests" "Wait for as long as Retry-After says.";
    /// The request headers are too large.
    HeadersTooLarge "headers-too-large" 431 "The headers are too large" "Send fewer or shorter headers.";
    /// A defect of the server; the log has the rest.
    Internal "internal" 500 "Something went wrong inside" "Look for the request id in the server's log.";
    /// The storage does not answer or is being reopened.
    StorageUnavailable "storage-unavailable" 503 "The storage is not available" "Try again shortly; /health/ready says why.";
    /// Disk space is low: reads work, writes do not.
    ReadOnly "read-only" 503 "Writing is suspended" "Free disk space; writing resumes by itself.";
    /// The server is at its limit or shutting down.
    Unavailable "unavailable" 503 "The server cannot take this request now" "Try again shortly.";
    /// The database is locked by another process.
    Locked "locked" 503 "The data directory is in use" "Stop the other process, or use --server.";
}

/// One field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) or parameter name.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// The program's error: what a client may know, and, apart from it, why.
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after_s: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a text for the client.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after_s: None,
            source: None,
        }))
    }

    /// A defect: the client sees only the code, the log sees `what`.
    pub fn internal(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Internal, what)
    }

    /// `404` for a thing of kind `what` called `name`.
    #[must_use]
    pub fn not_found(what: &str, name: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} '{name}'"))
    }

    /// `422` for one field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let text = format!("{pointer}: {detail}");
        Self::new(Code::Invalid, text).with_field(pointer, detail)
    }

    /// Adds a field error.
    #[must_use]
    pub fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.fields.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says after how many seconds another try makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The text for this occurrence. Of a 5xx only the log may see it, with the
    /// exception of the 503 codes, whose texts are written for clients.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Seconds to wait, if that is known.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// The chain of causes as one line, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.detail.is_empty() {
            f.write_str(self.0.code.title())
        } else {
            f.write_str(&self.0.detail)
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.slug(), self.chain())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_statuses_are_errors() {
        for (i, a) in Code::ALL.iter().enumerate() {
            assert!((400..600).contains(&a.status()), "{a:?}");
            assert!(Code::ALL[..i].iter().all(|b| b.slug() != a.slug()), "{a:?}");
        }
    }

    #[test]
    fn display_leaves_the_source_out_and_the_chain_has_it() {
        let e = Error::internal("cannot read").with_source("disk on fire");
        assert_eq!(e.to_string(), "cannot read");
        assert_eq!(e.chain(), "cannot read: disk on fire");
    }
}
