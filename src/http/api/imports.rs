//! Uploading reports: `POST` for scripts and browsers, `PUT` for `curl -T`.

use std::time::Duration;

use poem::http::{HeaderName, HeaderValue, header};
use poem::web::Data;
use poem::{IntoResponse, Response};
use poem_openapi::payload::Payload as _;
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::{ApiResponse, OpenApi, param::Path, param::Query};

use super::Tag;
use super::common::{Answer, reference, written};
use super::uploads::{Field, Upload};
use crate::base::{Code, Error, Result as BaseResult};
use crate::domain::import::{Import, ImportStatus};
use crate::http::auth::Caller;
use crate::http::params::{IdempotencyKey, IfMatch};
use crate::http::{JsonBytes, Problem, Reply};
use crate::services::Core;
use crate::services::imports::{self, Enqueued, NewImport, Once};

/// How long an upload waits for its result before it is told to look later.
const PATIENCE: Duration = Duration::from_mins(10);

/// The answer to an upload: done (201), or going on (202).
pub(super) enum Uploaded {
    /// Applied.
    Done(Reply<Import, 201>),
    /// Not yet.
    GoingOn(Reply<Import, 202>),
}

impl IntoResponse for Uploaded {
    fn into_response(self) -> Response {
        match self {
            Self::Done(reply) => reply.into_response(),
            Self::GoingOn(reply) => reply.into_response(),
        }
    }
}

impl ApiResponse for Uploaded {
    fn meta() -> MetaResponses {
        let mut meta = Reply::<Import, 201>::meta();
        meta.responses.extend(Reply::<Import, 202>::meta().responses);
        meta
    }

    fn register(registry: &mut Registry) {
        JsonBytes::<Import>::register(registry);
    }
}

/// What is said about an upload, and how it is to be answered.
struct Wishes {
    new: NewImport,
    wait: bool,
    key: Option<String>,
}

impl Wishes {
    /// What a form says beside the query string; both have been held to the description.
    fn add(&mut self, fields: Vec<Field>) {
        for (name, text) in fields {
            match name.as_str() {
                "filename" => self.new.filename = Some(text),
                "format" => self.new.format = Some(text),
                "asset" => self.new.asset = Some(text),
                "mapping" => self.new.mapping = Some(text),
                "wait" => self.wait = text != "false",
                _ => {}
            }
        }
    }
}

/// Declares an operation that takes a report in; they differ in their methods only.
macro_rules! upload {
    ($(#[$about:meta])* $api:ident, $method:literal, $id:literal) => {
        /// Uploading reports.
        pub(super) struct $api;

        #[OpenApi(prefix_path = "/imports", tag = Tag::Imports)]
        impl $api {
            $(#[$about])*
            #[oai(path = "/", method = $method, operation_id = $id)]
            #[allow(clippy::too_many_arguments)] // poem-openapi wants each parameter as an argument
            async fn upload(
                &self,
                core: Data<&Core>,
                caller: Caller,
                /// Name of the file, for the list of imports.
                #[oai(validator(min_length = 1, max_length = 255))]
                filename: Query<Option<String>>,
                /// Format, or `auto`.
                format: Query<Option<String>>,
                /// Name to give the asset, if the report holds only one.
                #[oai(validator(min_length = 1, max_length = 255))]
                asset: Query<Option<String>>,
                /// Name of the saved mapping that says what the columns of a table, or the keys of
                /// JSON, mean.
                #[oai(validator(min_length = 1, max_length = 100))]
                mapping: Query<Option<String>>,
                /// False: answer at once.
                wait: Query<Option<bool>>,
                key: IdempotencyKey,
                body: Upload,
            ) -> Result<Uploaded, Problem> {
                let new = NewImport {
                    filename: filename.0,
                    format: format.0,
                    asset: asset.0,
                    mapping: mapping.0,
                };
                let wishes = Wishes { new, wait: wait.0 != Some(false), key: key.0 };
                Ok(take_in(&core, &caller, wishes, body).await?)
            }
        }
    };
}

upload!(
    /// Import a report
    ///
    /// Answers when it is applied (201), unless `wait=false` (202; look at the import again).
    /// A report that cannot be read to its end changes nothing (422, with the place). A form
    /// (`multipart/form-data`) has the report as `file`, and the parameters as fields or in
    /// the query string.
    ///
    /// With an `Idempotency-Key`, sending the same request again within 24 hours gives the
    /// same import and imports nothing (header `Idempotency-Replayed`); another request with
    /// the same key is refused (422), and while the first is coming in, so is a second (409).
    Posted,
    "post",
    "create_import"
);
upload!(
    /// Import a report (PUT)
    ///
    /// The same, for `curl -T report.json`.
    Put,
    "put",
    "put_import"
);

/// Reverting imports.
pub(super) struct Reverting;

#[OpenApi(prefix_path = "/imports", tag = Tag::Imports)]
impl Reverting {
    /// Revert an import
    ///
    /// Puts back everything as it was before the import, exactly, as long as nothing has
    /// built on it: a later import, a decision, an edit (409, with the first of them).
    /// Vulnerabilities that others use stay. Answers when it is done, or after a while
    /// (`reverting`; look at the import again).
    #[oai(path = "/:id/revert", method = "post", operation_id = "revert_import")]
    async fn revert(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Answer<Import> {
        let begun = imports::revert(&core, &caller.0, reference(&id), condition.0).await?;
        ended(&core, begun).await
    }
}

/// Deciding about imports that were held back.
pub(super) struct Quarantine;

#[OpenApi(prefix_path = "/imports", tag = Tag::Imports)]
impl Quarantine {
    /// Accept a quarantined import
    ///
    /// Closes what it no longer names, but for what newer scans have seen. Answers when it is
    /// done, or after a while (`accepting`; look at the import again).
    #[oai(path = "/:id/accept", method = "post", operation_id = "accept_import")]
    async fn accept(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Answer<Import> {
        let begun = imports::accept(&core, &caller.0, reference(&id), condition.0).await?;
        ended(&core, begun).await
    }

    /// Discard a quarantined import
    ///
    /// What it no longer names stays open; what it has seen stays seen.
    #[oai(path = "/:id/discard", method = "post", operation_id = "discard_import")]
    async fn discard(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Answer<Import> {
        let id = reference(&id);
        Ok(written(&imports::discard(&core, &caller.0, id, condition.0).await?)?)
    }
}

/// The import when what goes on with it has ended, or as it was after a while.
async fn ended(core: &Core, begun: Import) -> Answer<Import> {
    let waited = tokio::time::timeout(PATIENCE, imports::wait(core, begun.id)).await;
    Ok(written(&waited.unwrap_or(Ok(begun))?)?)
}

async fn take_in(
    core: &Core,
    caller: &Caller,
    mut wishes: Wishes,
    body: Upload,
) -> BaseResult<Uploaded> {
    let mut upload = imports::begin(core, &caller.0)?;
    imports::check(core, &wishes.new)?;
    let once = wishes.key.as_deref().map(|key| Once::begin(core, &caller.0, key)).transpose()?;
    wishes.add(body.receive(&mut upload).await?);
    let taken = imports::enqueue(core, &caller.0, wishes.new, upload, once).await?;
    answer(core, taken, wishes.wait).await
}

async fn answer(core: &Core, taken: Enqueued, wait: bool) -> BaseResult<Uploaded> {
    let Enqueued { import, repeated } = taken;
    let location = format!("/api/v1/imports/{}", import.id);
    if !wait {
        return Ok(Uploaded::GoingOn(
            marked(written(&import)?, repeated).with_location(&location)?,
        ));
    }
    if let Ok(done) = tokio::time::timeout(PATIENCE, imports::wait(core, import.id)).await {
        Ok(Uploaded::Done(marked(completed(done?)?, repeated).with_location(&location)?))
    } else {
        let reply = marked(written(&import)?, repeated).with_location(&location)?;
        Ok(Uploaded::GoingOn(reply.with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))))
    }
}

/// Says so, if an answer is that of an earlier request.
fn marked<const STATUS: u16>(
    reply: Reply<Import, STATUS>,
    repeated: bool,
) -> Reply<Import, STATUS> {
    if !repeated {
        return reply;
    }
    let name = HeaderName::from_static("idempotency-replayed");
    reply.with_header(name, HeaderValue::from_static("true"))
}

/// An applied import, or the error that refused it.
fn completed(import: Import) -> BaseResult<Reply<Import, 201>> {
    if import.status.is_final() && import.status != ImportStatus::Failed {
        return written(&import);
    }
    let Some(error) = import.error else {
        return Err(Error::new(
            Code::Unavailable,
            format!("import {} was given up; its job says why", import.id),
        ));
    };
    let code =
        Code::ALL.iter().copied().find(|c| c.slug() == error.code).unwrap_or(Code::BadReport);
    Err(Error::new(code, error.detail))
}
