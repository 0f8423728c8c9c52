//! How a report comes in: as the body itself, or as the file of a form
//! (`multipart/form-data`) whose other fields are the parameters of the operation. Either
//! way it goes to the spool piece by piece.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http_body::Body as _;
use http_body_util::{BodyExt as _, combinators::BoxBody};
use multer::Multipart;
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::base::{Code, Error, Result, limits};
use crate::http::Problem;
use crate::http::body::read_error;
use crate::http::contract::Operation;
use crate::services::imports;

/// The part of a form that is the report.
pub(super) const FILE: &str = "file";

/// A request that brings a report, before its body is read.
pub(super) struct Upload {
    body: BoxBody<Bytes, io::Error>,
    /// What separates the parts, if it is a form.
    boundary: Option<String>,
    operation: Option<Arc<Operation>>,
    query: String,
}

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
        let boundary = boundary(req).map_err(Problem::from)?;
        check_encoding(req, boundary.is_some()).map_err(Problem::from)?;
        let body = body.take().map_err(|e| {
            Problem::from(Error::internal("the body was read twice").with_source(e))
        })?;
        let query = req.uri().query().unwrap_or_default().to_owned();
        let operation = req.data::<Arc<Operation>>().cloned();
        Ok(Self { body: body.into(), boundary, operation, query })
    }
}

fn boundary(req: &Request) -> Result<Option<String>> {
    let kind = req.content_type().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    multer::parse_boundary(kind).map(Some).map_err(|e| {
        Error::new(Code::BadRequest, format!("the form's Content-Type has no boundary: {e}"))
    })
}

/// The content is decompressed by what it is, so the two that are known may be named. A
/// form is not: its file is.
fn check_encoding(req: &Request, is_form: bool) -> Result<()> {
    let Some(value) = req.headers().get(header::CONTENT_ENCODING) else { return Ok(()) };
    let known = [b"identity".as_slice(), b"gzip", b"x-gzip", b"zstd"];
    let known = if is_form { &known[..1] } else { &known };
    if known.iter().any(|k| value.as_bytes().eq_ignore_ascii_case(k)) {
        return Ok(());
    }
    let detail = if is_form {
        "send the form without Content-Encoding; the file in it may be gzip or zstd"
    } else {
        "a report may be sent with Content-Encoding gzip or zstd"
    };
    Err(Error::new(Code::UnsupportedMediaType, detail))
}

/// A parameter of the operation that a form brings.
pub(super) type Field = (String, String);

impl Upload {
    /// Reads the body into `upload`. Returns the fields of the form, if it is one, held to
    /// the description as if they stood in the query string.
    pub(super) async fn receive(self, upload: &mut imports::Upload) -> Result<Vec<Field>> {
        match self.boundary.clone() {
            None => {
                raw(self.body, upload).await?;
                Ok(Vec::new())
            }
            Some(boundary) => self.form(&boundary, upload).await,
        }
    }

    async fn form(self, boundary: &str, upload: &mut imports::Upload) -> Result<Vec<Field>> {
        let held = Arc::new(AtomicU64::new(0));
        let body = Pieces { body: self.body, held: held.clone(), pause: false };
        let mut form = Multipart::new(body, boundary);
        let (mut fields, mut has_file) = (Vec::new(), false);
        while let Some(mut part) = form.next_field().await.map_err(broken)? {
            held.store(0, Ordering::Relaxed);
            let name = part.name().unwrap_or_default().to_owned();
            if name != FILE {
                fields.push((name, text(&mut part, &held).await?));
                continue;
            }
            if std::mem::replace(&mut has_file, true) {
                return Err(Error::field(FILE, "the form has several; send one report at a time"));
            }
            if let Some(filename) = part.file_name().filter(|name| !name.is_empty()) {
                fields.push((FILENAME.to_owned(), filename.to_owned()));
            }
            while let Some(bytes) = part.chunk().await.map_err(broken)? {
                held.store(0, Ordering::Relaxed);
                upload.write(&bytes)?;
            }
        }
        if !has_file {
            return Err(Error::field(FILE, "the form has no part with this name"));
        }
        let fields = named_once(fields, &self.query);
        refuse_twice(&fields, &self.query)?;
        if let Some(operation) = &self.operation {
            operation.check_query(&together(&self.query, &fields))?;
        }
        Ok(fields)
    }
}

/// The parameter that the file's own name stands for.
const FILENAME: &str = "filename";

/// The file's own name counts only if no parameter gives it one.
fn named_once(mut fields: Vec<Field>, query: &str) -> Vec<Field> {
    let in_query = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == FILENAME);
    let names = fields.iter().filter(|(name, _)| name == FILENAME).count();
    let own = fields.iter().position(|(name, _)| name == FILENAME);
    if (in_query || names > 1)
        && let Some(own) = own
    {
        fields.remove(own);
    }
    fields
}

/// What form and query string say together is said once.
fn refuse_twice(fields: &[Field], query: &str) -> Result<()> {
    let mut seen: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
    for (name, _) in fields {
        if seen.contains(name) {
            return Err(Error::field(
                name,
                "it stands there twice: in the form, or in the address",
            ));
        }
        seen.push(name.clone());
    }
    Ok(())
}

fn together(query: &str, fields: &[Field]) -> String {
    let mut all = form_urlencoded::Serializer::new(query.to_owned());
    all.extend_pairs(fields);
    all.finish()
}

async fn raw(mut body: BoxBody<Bytes, io::Error>, upload: &mut imports::Upload) -> Result<()> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| read_error(&e))?;
        if let Ok(data) = frame.into_data() {
            upload.write(&data)?;
        }
    }
    Ok(())
}

async fn text(part: &mut multer::Field<'_>, held: &AtomicU64) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(more) = part.chunk().await.map_err(broken)? {
        held.store(0, Ordering::Relaxed);
        bytes.extend_from_slice(&more);
        if bytes.len() > limits::NAME_BYTES {
            let detail = format!("it has more than {} bytes", limits::NAME_BYTES);
            return Err(Error::field(part.name().unwrap_or_default(), detail));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| Error::field(part.name().unwrap_or_default(), "it is not UTF-8"))
}

/// What a failure to read a form means for the client.
fn broken(e: multer::Error) -> Error {
    if let multer::Error::StreamReadFailed(cause) = &e
        && let Some(cause) = cause.downcast_ref::<io::Error>()
    {
        return match cause.get_ref().and_then(|c| c.downcast_ref::<Endless>()) {
            Some(Endless) => Error::new(
                Code::BadRequest,
                "the form has a head or a boundary that does not come to its end",
            ),
            None => read_error(cause),
        };
    }
    Error::new(Code::BadRequest, format!("the form is framed wrongly: {e}"))
}

/// A form that keeps the reader waiting for the end of something.
#[derive(Debug)]
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("endless")
    }
}

impl std::error::Error for Endless {}

/// A body that gives one piece at a time and stops when too much is held: the parser takes
/// all that is ready before it looks at it, and a head without an end for ever.
struct Pieces {
    body: BoxBody<Bytes, io::Error>,
    /// Bytes that were taken since the parser gave something out.
    held: Arc<AtomicU64>,
    pause: bool,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(e)) => return Poll::Ready(Some(Err(e))),
                Some(Ok(frame)) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let before = this.held.fetch_add(data.len() as u64, Ordering::Relaxed);
            if before > limits::FORM_HELD_BYTES {
                return Poll::Ready(Some(Err(io::Error::other(Endless))));
            }
            this.pause = true;
            return Poll::Ready(Some(Ok(data)));
        }
    }
}
