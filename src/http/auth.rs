//! Who sends this request: session cookie or bearer token to [`Ctx`], CSRF defence, and the
//! cookie itself.

use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use poem::{Endpoint, FromRequest, IntoResponse, Request, RequestBody, Response};

use super::layers::client::ClientAddr;
use super::layers::request_id;
use super::problem::Problem;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::user::Role;
use crate::services::context::Credential;
use crate::services::passwords::same;
use crate::services::{Actor, Core, Ctx, auth};

/// Name of the session cookie.
pub const COOKIE: &str = "vulnzero_session";
/// Header in which unsafe requests of a session carry its CSRF token.
pub const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// Whether cookies are marked `Secure` whatever the connection looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureCookies {
    /// If the client speaks HTTPS, as far as a trusted proxy says so.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The caller, logged in or not; operations demand their role from the services.
#[derive(Debug, Clone)]
pub struct Caller(pub Ctx);

impl<'a> FromRequest<'a> for Caller {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(recognise(req).map(Self).map_err(Problem::from)?)
    }
}

/// Builds the context of a request. It is done once; a caller inside the process brings its
/// own.
pub fn recognise(req: &Request) -> Result<Ctx> {
    if let Some(ctx) = req.data::<Ctx>() {
        return Ok(ctx.clone());
    }
    let core = req.data::<Core>().ok_or_else(|| Error::internal("the services are not mounted"))?;
    let mut ctx = anonymous(req);
    if let Some(actor) = actor(core, req)? {
        ctx.actor = actor;
    }
    Ok(ctx)
}

/// The context of a request to an operation that is open to everybody: who sends it does
/// not matter, so that an old cookie or token cannot keep anybody from logging in.
pub fn anonymous(req: &Request) -> Ctx {
    if let Some(ctx) = req.data::<Ctx>() {
        return ctx.clone();
    }
    Ctx {
        address: Some(ClientAddr::of(req).ip.to_string()),
        request_id: request_id::current().map(|id| id.as_str().to_owned()),
        ..Ctx::anonymous()
    }
}

/// A bearer token goes before a cookie: a script that sends both means the token.
fn actor(core: &Core, req: &Request) -> Result<Option<Actor>> {
    if let Some(value) = req.headers().get(header::AUTHORIZATION) {
        let token = bearer(value).ok_or_else(|| {
            Error::new(
                Code::Unauthenticated,
                "the Authorization header is not 'Bearer' and a token",
            )
        })?;
        let unknown =
            || Error::new(Code::Unauthenticated, "the token is unknown, expired or revoked");
        return auth::by_token(core, token)?.ok_or_else(unknown).map(Some);
    }
    let Some(secret) = cookie(req.headers()) else { return Ok(None) };
    let Some(actor) = auth::by_session(core, secret)? else { return Ok(None) };
    if let Credential::Session { csrf_token, .. } = &actor.credential {
        check_csrf(req, csrf_token)?;
    }
    Ok(Some(actor))
}

/// Browsers attach the cookie to whatever a foreign page makes them send; the token they do
/// not have. (`SameSite=Strict` alone would trust every page of the same site.)
fn check_csrf(req: &Request, wanted: &str) -> Result<()> {
    if matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let sent = req.headers().get(CSRF).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if same(sent, wanted) {
        return Ok(());
    }
    Err(Error::new(Code::CsrfRejected, "the X-CSRF-Token header is missing or not the session's"))
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// The Set-Cookie of a new session.
pub fn session_cookie(
    req: &Request,
    secret: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<HeaderValue> {
    set_cookie(req, secret, expires_at.seconds_since(now).max(0))
}

/// The Set-Cookie that ends one.
pub fn ended_cookie(req: &Request) -> Result<HeaderValue> {
    set_cookie(req, "", 0)
}

fn set_cookie(req: &Request, value: &str, max_age_s: i64) -> Result<HeaderValue> {
    let secure = match req.data::<SecureCookies>().copied().unwrap_or(SecureCookies::Auto) {
        SecureCookies::Auto => ClientAddr::of(req).https,
        SecureCookies::Always => true,
        SecureCookies::Never => false,
    };
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text)
        .map_err(|e| Error::internal("a cookie is no header value").with_source(e))
}

/// Lets only callers with a role through; people in a browser are sent to the log-in page.
pub struct Guard<E> {
    /// What is inside.
    pub inner: E,
    /// The least role; `None` lets everybody through.
    pub role: Option<Role>,
}

impl<E: Endpoint> Endpoint for Guard<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> poem::Result<Response> {
        if let Some(role) = self.role
            && let Err(e) = recognise(&req).and_then(|ctx| ctx.require(role))
        {
            let accept = req.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok());
            if e.code() == Code::Unauthenticated && accept.is_some_and(|a| a.contains("text/html"))
            {
                return Ok(poem::web::Redirect::see_other(format!(
                    "/login?next={}",
                    req.uri().path()
                ))
                .into_response());
            }
            return Err(Problem::from(e).into());
        }
        Ok(self.inner.call(req).await?.into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_and_tokens_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers
            .append(header::COOKIE, HeaderValue::from_static("a=b; vulnzero_session=s3cret; c=d"));
        assert_eq!(cookie(&headers), Some("s3cret"));
        assert_eq!(cookie(&HeaderMap::new()), None);
        assert_eq!(bearer(&HeaderValue::from_static("Bearer vz_1")), Some("vz_1"));
        assert_eq!(bearer(&HeaderValue::from_static("bearer vz_1 ")), Some("vz_1"));
        assert_eq!(bearer(&HeaderValue::from_static("Basic eA==")), None);
        assert_eq!(bearer(&HeaderValue::from_static("vz_1")), None);
    }

    #[test]
    fn cookies_are_strict_and_secure_behind_tls() {
        let plain = Request::builder().finish();
        let text = set_cookie(&plain, "x", 60).unwrap();
        assert_eq!(text, "vulnzero_session=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
        let mut tls = Request::builder().finish();
        tls.set_data(ClientAddr { ip: [127, 0, 0, 1].into(), https: true });
        assert!(set_cookie(&tls, "x", 60).unwrap().to_str().unwrap().ends_with("; Secure"));
    }
}
