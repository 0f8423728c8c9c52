//! Who does something, and on whose request: built at the door, passed first.

use crate::base::{Code, Error, Result};
use crate::domain::audit::ActorType;
use crate::domain::user::Role;

/// Who does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorType,
    /// Number of the user, if there is one.
    pub user_id: Option<u64>,
    /// Name.
    pub name: String,
    /// What it may do; `None`: nothing (not logged in).
    pub role: Option<Role>,
    /// The session or token, so that it can be ended.
    pub credential: Credential,
}

/// By what an actor was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By nothing, or by being the process itself.
    None,
    /// By a browser session.
    Session {
        /// Its number.
        id: u64,
        /// What unsafe requests must carry.
        csrf_token: String,
        /// When it ends.
        expires_at: crate::base::Timestamp,
    },
    /// By an API token.
    Token {
        /// Its number.
        id: u64,
    },
}

/// One operation's context.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Who.
    pub actor: Actor,
    /// Id of the request, as in the log.
    pub request_id: Option<String>,
    /// Address of the client.
    pub address: Option<String>,
    /// Part of something bigger, which is audited as a whole.
    pub is_part: bool,
}

impl Ctx {
    /// The command line on the data directory: whoever can read and write it owns it.
    #[must_use]
    pub fn cli() -> Self {
        Self::internal(ActorType::Cli, "cli")
    }

    /// The server itself.
    #[must_use]
    pub fn system() -> Self {
        Self::internal(ActorType::System, "system")
    }

    fn internal(kind: ActorType, name: &str) -> Self {
        let actor = Actor {
            kind,
            user_id: None,
            name: name.to_owned(),
            role: Some(Role::Admin),
            credential: Credential::None,
        };
        Self { actor, request_id: None, address: None, is_part: false }
    }

    /// Somebody who is not logged in.
    #[must_use]
    pub fn anonymous() -> Self {
        let actor = Actor {
            kind: ActorType::Anonymous,
            user_id: None,
            name: "anonymous".into(),
            role: None,
            credential: Credential::None,
        };
        Self { actor, request_id: None, address: None, is_part: false }
    }

    /// The same, for a part of something that is audited as a whole.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { is_part: true, ..self.clone() }
    }

    /// Fails unless the actor has at least this role.
    pub fn require(&self, role: Role) -> Result<()> {
        match self.actor.role {
            Some(has) if has >= role => Ok(()),
            Some(has) => Err(Error::new(
                Code::Forbidden,
                format!("this needs the role {role}; you have {has}"),
            )),
            None => Err(Error::new(Code::Unauthenticated, "log in, or send an API token")),
        }
    }
}
