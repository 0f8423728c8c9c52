//! Uploading reports: `POST` for scripts and browsers, `PUT` for `curl -T`.

use std::time::Duration;

use http_body_util::{BodyExt as _, combinators::BoxBody};
use poem::http::{HeaderValue, header};
use poem::web::Data;
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::Payload as _;
use poem_openapi::registry::{
    MetaMediaType, MetaRequest, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, OpenApi, param::Path,
    param::Query,
};

use super::Tag;
use super::common::{reference, written};
use crate::base::{Code, Error, Result as BaseResult};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::user::Role;
use crate::http::auth::Caller;
use crate::http::body::read_error;
use crate::http::params::IfMatch;
use crate::http::{JsonBytes, Problem, Reply};
use crate::services::Core;
use crate::services::imports::{self, NewImport};

/// How long an upload waits for its result before it is told to look later.
const PATIENCE: Duration = Duration::from_mins(10);

/// A request body of any type, as a stream.
pub(super) struct Upload(BoxBody<bytes::Bytes, std::io::Error>);

impl<'a> ApiExtractor<'a> for Upload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let schema =
            || MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let media = |content_type| MetaMediaType { content_type, schema: schema() };
        Some(MetaRequest {
            description: Some("The report: plain, gzip or zstd; recognised by its content."),
            content: vec![media("application/octet-stream")],
            required: true,
        })
    }

    async fn from_request(
        req: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        check_encoding(req).map_err(Problem::from)?;
        let body = body.take().map_err(|e| {
            Problem::from(Error::internal("the body was read twice").with_source(e))
        })?;
        Ok(Self(body.into()))
    }
}

/// The content is decompressed by what it is, so the two that are known may be named.
fn check_encoding(req: &Request) -> BaseResult<()> {
    let Some(value) = req.headers().get(header::CONTENT_ENCODING) else { return Ok(()) };
    let known = [b"identity".as_slice(), b"gzip", b"x-gzip", b"zstd"];
    if known.iter().any(|k| value.as_bytes().eq_ignore_ascii_case(k)) {
        return Ok(());
    }
    Err(Error::new(
        Code::UnsupportedMediaType,
        "a report may be sent with Content-Encoding gzip or zstd",
    ))
}

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

/// What a query string says about an upload.
struct Wishes {
    filename: Query<Option<String>>,
    format: Query<Option<String>>,
    asset: Query<Option<String>>,
    wait: Query<Option<bool>>,
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
                /// False: answer at once.
                wait: Query<Option<bool>>,
                body: Upload,
            ) -> Result<Uploaded, Problem> {
                Ok(take_in(&core, &caller, Wishes { filename, format, asset, wait }, body).await?)
            }
        }
    };
}

upload!(
    /// Import a report
    ///
    /// Answers when it is applied (201), unless `wait=false` (202; look at the import again).
    /// A report that cannot be read to its end changes nothing (422, with the place).
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
    ) -> Result<Reply<Import>, Problem> {
        let begun = imports::revert(&core, &caller.0, reference(&id), condition.0).await?;
        let waited = tokio::time::timeout(PATIENCE, imports::wait(&core, begun.id)).await;
        Ok(written(&waited.unwrap_or(Ok(begun))?)?)
    }
}

async fn take_in(
    core: &Core,
    caller: &Caller,
    wishes: Wishes,
    body: Upload,
) -> BaseResult<Uploaded> {
    caller.0.require(Role::Operator)?;
    let new =
        NewImport { filename: wishes.filename.0, format: wishes.format.0, asset: wishes.asset.0 };
    let mut upload = imports::begin(core, &caller.0, &new)?;
    let mut body = body.0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| read_error(&e))?;
        if let Ok(data) = frame.into_data() {
            upload.write(&data)?;
        }
    }
    let import = imports::enqueue(core, &caller.0, new, upload).await?;
    let location = format!("/api/v1/imports/{}", import.id);
    if wishes.wait.0 == Some(false) {
        return Ok(Uploaded::GoingOn(written(&import)?.with_location(&location)?));
    }
    if let Ok(done) = tokio::time::timeout(PATIENCE, imports::wait(core, import.id)).await {
        Ok(Uploaded::Done(completed(done?)?.with_location(&location)?))
    } else {
        let reply = written(&import)?.with_location(&location)?;
        Ok(Uploaded::GoingOn(reply.with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))))
    }
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
