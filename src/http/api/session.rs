//! Set-up, log-in, log-out: how somebody becomes a caller.

use poem::Request;
use poem::http::header;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result as BaseResult, Timestamp};
use crate::domain::user::{Role, User};
use crate::http::auth::{Caller, ended_cookie, session_cookie};
use crate::http::{Body, NoContent, Problem, Reply};
use crate::services::auth::{self, NewSession};
use crate::services::context::Credential;
use crate::services::{Core, users};

/// Whether the first account has yet to be made.
#[derive(Debug, Serialize, Object)]
pub struct SetupState {
    /// True until there is an account.
    pub needed: bool,
}

/// The first account.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct SetupRequest {
    /// The token that the server printed when it started.
    #[oai(validator(max_length = 200))]
    pub token: String,
    /// Name to log in with.
    #[oai(validator(min_length = 2, max_length = 64, pattern = r"^[A-Za-z][A-Za-z0-9._-]+$"))]
    pub username: String,
    /// At least 10 characters.
    #[oai(validator(min_length = 10, max_length = 256))]
    pub password: String,
}

/// Name and password.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct LoginRequest {
    /// Name to log in with.
    #[oai(validator(max_length = 256))]
    pub username: String,
    /// Password.
    #[oai(validator(max_length = 256))]
    pub password: String,
}

/// A new password.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The password until now.
    #[oai(validator(max_length = 256))]
    pub current: String,
    /// The new one, at least 10 characters.
    #[oai(validator(min_length = 10, max_length = 256))]
    pub new: String,
}

/// Who one is.
#[derive(Debug, Serialize, Object)]
pub struct SessionView {
    /// Name.
    pub name: String,
    /// What one may do.
    pub role: Role,
    /// The account; absent for tokens without one and for the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// By what one was recognised: `session`, `token`, `cli`.
    pub via: String,
    /// What unsafe requests of a session must carry in `X-CSRF-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
    /// When the session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Set-up, log-in and log-out.
pub(super) struct Sessions;

#[OpenApi(tag = Tag::Session)]
impl Sessions {
    /// Whether set-up is needed
    #[oai(path = "/setup", method = "get", operation_id = "get_setup")]
    async fn setup_state(&self, core: Data<&Core>) -> Result<Reply<SetupState>, Problem> {
        Ok(Reply::new(&SetupState { needed: users::setup_needed(&core)? })?)
    }

    /// Make the first account
    ///
    /// An administrator, logged in at once. Works once, with the token that the server
    /// printed when it started.
    #[oai(path = "/setup", method = "post", operation_id = "set_up")]
    async fn set_up(
        &self,
        core: Data<&Core>,
        caller: Caller,
        req: &Request,
        body: Body<SetupRequest>,
    ) -> Result<Reply<SessionView, 201>, Problem> {
        let SetupRequest { token, username, password } = body.0;
        let user = users::set_up(&core, &caller.0, &token, username, Secret::new(password)).await?;
        Ok(begun(&core, req, auth::begin(&core, &caller.0, user, "auth.begin").await?)?)
    }

    /// Log in
    #[oai(path = "/auth/login", method = "post", operation_id = "log_in")]
    async fn log_in(
        &self,
        core: Data<&Core>,
        caller: Caller,
        req: &Request,
        body: Body<LoginRequest>,
    ) -> Result<Reply<SessionView>, Problem> {
        let LoginRequest { username, password } = body.0;
        Ok(begun(
            &core,
            req,
            auth::log_in(&core, &caller.0, &username, Secret::new(password)).await?,
        )?)
    }

    /// Log out
    #[oai(path = "/auth/logout", method = "post", operation_id = "log_out")]
    async fn log_out(
        &self,
        core: Data<&Core>,
        caller: Caller,
        req: &Request,
    ) -> Result<NoContent, Problem> {
        caller.0.require(Role::Viewer).map_err(Problem::from)?;
        auth::log_out(&core, &caller.0).await?;
        Ok(NoContent::default().with_header(header::SET_COOKIE, ended_cookie(req)?))
    }

    /// Who am I
    #[oai(path = "/auth/me", method = "get", operation_id = "get_me")]
    async fn me(&self, core: Data<&Core>, caller: Caller) -> Result<Reply<SessionView>, Problem> {
        Ok(Reply::new(&view(&core, &caller)?)?)
    }

    /// Change one's password
    ///
    /// Ends all of one's sessions, this one too.
    #[oai(path = "/auth/password", method = "post", operation_id = "change_password")]
    async fn change_password(
        &self,
        core: Data<&Core>,
        caller: Caller,
        req: &Request,
        body: Body<PasswordRequest>,
    ) -> Result<NoContent, Problem> {
        caller.0.require(Role::Viewer).map_err(Problem::from)?;
        let (current, new) = (Secret::new(body.0.current), Secret::new(body.0.new));
        users::change_password(&core, &caller.0, current, new).await?;
        Ok(NoContent::default().with_header(header::SET_COOKIE, ended_cookie(req)?))
    }
}

fn begun<const STATUS: u16>(
    core: &Core,
    req: &Request,
    session: NewSession,
) -> BaseResult<Reply<SessionView, STATUS>> {
    let cookie = session_cookie(req, session.secret.expose(), session.expires_at, core.now())?;
    let view = SessionView {
        name: session.user.username.clone(),
        role: session.user.role,
        user: Some(session.user),
        via: "session".into(),
        csrf_token: Some(session.csrf_token),
        expires_at: Some(session.expires_at),
    };
    Ok(Reply::new(&view)?.with_header(header::SET_COOKIE, cookie))
}

fn view(core: &Core, caller: &Caller) -> BaseResult<SessionView> {
    let actor = &caller.0.actor;
    let role =
        actor.role.ok_or_else(|| Error::new(Code::Unauthenticated, "nobody is logged in"))?;
    let user = match actor.user_id {
        Some(id) => users::find(core, id)?,
        None => None,
    };
    let (csrf_token, expires_at, via) = match &actor.credential {
        Credential::Session { csrf_token, expires_at, .. } => {
            (Some(csrf_token.clone()), Some(*expires_at), "session")
        }
        Credential::Token { .. } => (None, None, "token"),
        Credential::None => (None, None, "cli"),
    };
    Ok(SessionView {
        name: actor.name.clone(),
        role,
        user,
        via: via.into(),
        csrf_token,
        expires_at,
    })
}
