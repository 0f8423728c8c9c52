//! Users, their credentials, sessions and API tokens.
//!
//! What the API shows ([`User`], [`ApiToken`]) and what it must never show ([`Credential`],
//! [`Session`], [`TokenSecret`]) are different records, so that no view can leak a hash.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::asset::{merge, set};
use super::words::word_enum;
use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, asc};

word_enum! {
    /// What a user or token may do; each role includes those before it.
    Role default Viewer {
        /// Reads.
        Viewer "viewer",
        /// Reads, imports, triages, edits.
        Operator "operator",
        /// Everything, including accounts and maintenance.
        Admin "admin",
    }
}

/// Somebody who can log in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct User {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Name to log in with. Unique, lower case.
    pub username: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// False: cannot log in, and sessions and tokens no longer work.
    pub is_active: bool,
    /// When they logged in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
}

/// What can be filtered, sorted and counted by.
const USER_FIELDS: &[Field<User>] = &[
    Field::<User>::new(
        "username",
        Kind::Text,
        |u, f| f((&u.username).into()),
        "Name to log in with.",
    ),
    Field::<User>::new("email", Kind::Text, |u, f| f((&u.email).into()), "Mail address."),
    Field::<User>::new(
        "role",
        Kind::Enum(Role::WORDS),
        |u, f| f(u.role.into()),
        "What they may do.",
    )
    .facet(),
    Field::<User>::new("is_active", Kind::Bool, |u, f| f(u.is_active.into()), "Can log in.")
        .facet(),
];

/// Secondary indexes, and what each is for.
const USER_INDEXES: &[Index] = &[
    Index::on("idx_users_username", &[asc("username")], "Log-in.").unique(),
    Index::on("idx_users_email", &[asc("email")], "One account per address.").unique(),
];

impl Record for User {
    const TABLE: &'static str = "users";
    const FACETS: &'static str = "fct_users";
    const NOUN: &'static str = "user";
    const NATURAL_KEY: Option<&'static str> = Some("idx_users_username");
    const DEFAULT_SORT: &'static str = "username";

    fn fields() -> &'static [Field<Self>] {
        USER_FIELDS
    }

    fn indexes() -> &'static [Index] {
        USER_INDEXES
    }

    crate::record_head!();
}

/// A new user as an administrator sends it.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields)]
pub struct NewUser {
    /// Name to log in with: a letter, then letters, digits, `.`, `_`, `-`. Kept in lower case.
    #[oai(validator(min_length = 2, max_length = 64, pattern = r"^[A-Za-z][A-Za-z0-9._-]+$"))]
    pub username: String,
    /// At least 10 characters.
    #[oai(validator(min_length = 10, max_length = 256))]
    pub password: String,
    /// What they may do.
    pub role: Role,
    /// Name for people.
    #[oai(validator(max_length = 255))]
    pub full_name: Option<String>,
    /// Mail address.
    #[oai(validator(max_length = 255, pattern = r"^[^@\s]+@[^@\s]+$"))]
    pub email: Option<String>,
}

/// A change to a user: absent leaves, `null` clears, a value sets (RFC 7396).
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct UserPatch {
    /// What they may do.
    pub role: Option<Role>,
    /// Name for people.
    #[oai(validator(max_length = 255))]
    pub full_name: MaybeUndefined<String>,
    /// Mail address.
    #[oai(validator(max_length = 255, pattern = r"^[^@\s]+@[^@\s]+$"))]
    pub email: MaybeUndefined<String>,
    /// False locks them out at once.
    pub is_active: Option<bool>,
    /// A new password; ends their sessions.
    #[oai(validator(min_length = 10, max_length = 256))]
    pub password: Option<String>,
}

impl UserPatch {
    /// The user with this change (without the password, which is not part of it).
    #[must_use]
    pub fn apply(&self, mut user: User) -> User {
        set(&mut user.role, self.role.as_ref());
        merge(&mut user.full_name, &self.full_name);
        merge(&mut user.email, &self.email);
        set(&mut user.is_active, self.is_active.as_ref());
        user
    }
}

/// A user's password hash and what guards it. Never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Number.
    pub id: u64,
    /// Goes up with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Whose.
    pub user_id: u64,
    /// Argon2id hash in PHC string format.
    pub password_hash: String,
    /// Failed log-ins since the last good one.
    #[serde(default)]
    pub failures: u64,
    /// No log-in before this time.
    #[serde(default)]
    pub locked_until: Option<Timestamp>,
}

impl Credential {
    /// Counts a failed log-in; from the `allowed`-th on, the account pauses for `pause_s`
    /// seconds, doubled with each further failure up to an hour.
    pub fn fail(&mut self, allowed: u64, pause_s: u64, now: Timestamp) {
        self.failures += 1;
        if self.failures >= allowed {
            let doublings = (self.failures - allowed).min(12);
            let pause = pause_s.saturating_mul(1 << doublings).min(3600);
            self.locked_until = Some(now.plus_seconds(pause as i64));
        }
    }

    /// Seconds until another log-in is allowed, rounded up; `None` if it is allowed now.
    #[must_use]
    pub fn locked_for_s(&self, now: Timestamp) -> Option<u64> {
        let left = self.locked_until?.as_micros() - now.as_micros();
        (left > 0).then(|| (left as u64).div_ceil(1_000_000))
    }
}

impl Record for Credential {
    const TABLE: &'static str = "credentials";
    const FACETS: &'static str = "fct_credentials";
    const NOUN: &'static str = "credential";

    fn fields() -> &'static [Field<Self>] {
        const FIELDS: &[Field<Credential>] =
            &[Field::<Credential>::new("user_id", Kind::U64, |c, f| f(c.user_id.into()), "Whose.")];
        FIELDS
    }

    fn indexes() -> &'static [Index] {
        const INDEXES: &[Index] =
            &[Index::on("idx_credentials_user_id", &[asc("user_id")], "Log-in.").unique()];
        INDEXES
    }

    crate::record_head!();
}

/// A browser session. Never shown; the cookie's secret is kept as a hash only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Number.
    pub id: u64,
    /// Goes up with every change.
    pub version: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// SHA-256 of the cookie's secret, hexadecimal.
    pub hash: String,
    /// Whose.
    pub user_id: u64,
    /// What unsafe requests must carry in `X-CSRF-Token`.
    pub csrf_token: String,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Timestamp,
}

/// What can be filtered, sorted and counted by.
const SESSION_FIELDS: &[Field<Session>] = &[
    Field::<Session>::new("hash", Kind::Text, |s, f| f((&s.hash).into()), "Hash of the secret."),
    Field::<Session>::new("user_id", Kind::U64, |s, f| f(s.user_id.into()), "Whose."),
    Field::<Session>::new("expires_at", Kind::Time, |s, f| f(s.expires_at.into()), "When it ends."),
];

/// Secondary indexes, and what each is for.
const SESSION_INDEXES: &[Index] = &[
    Index::on("idx_sessions_hash", &[asc("hash")], "Every request with a cookie.").unique(),
    Index::on("idx_sessions_user_id", &[asc("user_id")], "Ending a user's sessions."),
    Index::on("idx_sessions_expires_at", &[asc("expires_at")], "Removing what has ended."),
];

impl Record for Session {
    const TABLE: &'static str = "sessions";
    const FACETS: &'static str = "fct_sessions";
    const NOUN: &'static str = "session";

    fn fields() -> &'static [Field<Self>] {
        SESSION_FIELDS
    }

    fn indexes() -> &'static [Index] {
        SESSION_INDEXES
    }

    crate::record_head!();
}

/// An API token as its owner sees it. The secret itself is shown once, at creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct ApiToken {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What it is for.
    pub name: String,
    /// The first characters of the secret, to recognise it by.
    pub prefix: String,
    /// What it may do, at most what its owner may.
    pub role: Role,
    /// Whose.
    pub user_id: u64,
    /// Whose, by name.
    pub username: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it still works at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|t| now < t)
    }
}

/// What can be filtered, sorted and counted by.
const APITOKEN_FIELDS: &[Field<ApiToken>] = &[
    Field::<ApiToken>::new("name", Kind::Text, |t, f| f((&t.name).into()), "What it is for."),
    Field::<ApiToken>::new("user_id", Kind::U64, |t, f| f(t.user_id.into()), "Whose."),
    Field::<ApiToken>::new(
        "role",
        Kind::Enum(Role::WORDS),
        |t, f| f(t.role.into()),
        "What it may do.",
    )
    .facet(),
    Field::<ApiToken>::new(
        "is_revoked",
        Kind::Bool,
        |t, f| f(t.revoked_at.is_some().into()),
        "Revoked.",
    )
    .facet(),
];

/// Secondary indexes, and what each is for.
const APITOKEN_INDEXES: &[Index] = &[
    Index::on("idx_api_tokens_user_id", &[asc("user_id")], "A user's tokens."),
    Index::on("idx_api_tokens_name", &[asc("name")], "By name."),
];

impl Record for ApiToken {
    const TABLE: &'static str = "api_tokens";
    const FACETS: &'static str = "fct_api_tokens";
    const NOUN: &'static str = "token";
    const DEFAULT_SORT: &'static str = "-id";

    fn fields() -> &'static [Field<Self>] {
        APITOKEN_FIELDS
    }

    fn indexes() -> &'static [Index] {
        APITOKEN_INDEXES
    }

    crate::record_head!();
}

/// A new token as its owner asks for it.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
    /// What it may do; at most what you may.
    pub role: Role,
    /// Days until it ends; never by default.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    pub expires_in_days: Option<u32>,
}

/// The hash by which a token is recognised. Never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSecret {
    /// Number.
    pub id: u64,
    /// Goes up with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The token.
    pub token_id: u64,
    /// SHA-256 of the secret, hexadecimal. A fast hash will do: the secret has 256 random bits.
    pub hash: String,
}

/// What can be filtered, sorted and counted by.
const TOKENSECRET_FIELDS: &[Field<TokenSecret>] = &[
    Field::<TokenSecret>::new(
        "hash",
        Kind::Text,
        |t, f| f((&t.hash).into()),
        "Hash of the secret.",
    ),
    Field::<TokenSecret>::new("token_id", Kind::U64, |t, f| f(t.token_id.into()), "The token."),
];

/// Secondary indexes, and what each is for.
const TOKENSECRET_INDEXES: &[Index] = &[
    Index::on("idx_token_secrets_hash", &[asc("hash")], "Every request with a token.").unique(),
    Index::on("idx_token_secrets_token_id", &[asc("token_id")], "Revoking a token.").unique(),
];

impl Record for TokenSecret {
    const TABLE: &'static str = "token_secrets";
    const FACETS: &'static str = "fct_token_secrets";
    const NOUN: &'static str = "token secret";

    fn fields() -> &'static [Field<Self>] {
        TOKENSECRET_FIELDS
    }

    fn indexes() -> &'static [Index] {
        TOKENSECRET_INDEXES
    }

    crate::record_head!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_out_doubles_and_ends() {
        let t0 = Timestamp::default();
        let mut c = Credential::default();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            c.fail(5, 60, t0);
            pauses.push(c.locked_for_s(t0).unwrap_or(0));
        }
        assert_eq!(pauses, [0, 0, 0, 0, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(c.locked_for_s(t0.plus_seconds(3600)), None);
    }

    #[test]
    fn roles_include_those_before() {
        assert!(Role::Admin > Role::Operator && Role::Operator > Role::Viewer);
    }
}
