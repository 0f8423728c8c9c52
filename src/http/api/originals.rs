//! Originals: reports as they were sent, to be downloaded.

use async_compression::tokio::bufread::ZstdDecoder;
use poem::http::header;
use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::{ApiResponse, OpenApi, param::Path};
use tokio::io::BufReader;
use tokio_util::io::ReaderStream;

use super::Tag;
use super::common::reference;
use crate::http::Problem;
use crate::http::auth::Caller;
use crate::services::{Core, imports};

/// Downloading originals.
pub(super) struct Originals;

#[OpenApi(prefix_path = "/imports", tag = Tag::Imports)]
impl Originals {
    /// Download the original
    ///
    /// The report exactly as it was sent, as long as it is kept (`import.keep_originals`).
    #[oai(path = "/:id/original", method = "get", operation_id = "get_import_original")]
    async fn original(
        &self,
        core: Data<&Core>,
        caller: Caller,
        id: Path<String>,
    ) -> Result<Download, Problem> {
        Ok(Download(imports::original(&core, &caller.0, &reference(&id))?))
    }
}

/// A file on its way to the client.
pub(super) struct Download(imports::Original);

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let imports::Original { import, file } = self.0;
        let name = import.filename.unwrap_or_else(|| format!("import-{}", import.id));
        let reader = BufReader::with_capacity(64 << 10, tokio::fs::File::from_std(file));
        let stream = ReaderStream::with_capacity(ZstdDecoder::new(reader), 64 << 10);
        Response::builder()
            .content_type("application/octet-stream")
            .header(header::CONTENT_LENGTH, import.bytes)
            .header(header::CONTENT_DISPOSITION, attachment(&name))
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::CACHE_CONTROL, "private, no-store")
            .body(Body::from_bytes_stream(stream))
    }
}

impl ApiResponse for Download {
    fn meta() -> MetaResponses {
        let schema = MetaSchema::new_with_format("string", "binary");
        let content = MetaMediaType {
            content_type: "application/octet-stream",
            schema: MetaSchemaRef::Inline(Box::new(schema)),
        };
        let response = MetaResponse {
            description: "The file",
            status: Some(200),
            status_range: None,
            content: vec![content],
            headers: vec![],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

/// A `Content-Disposition` that saves under the last part of `name`, whatever is in it
/// (RFC 6266, RFC 8187).
fn attachment(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let plain: String = last.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let is_attr = |b: u8| b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b);
    let encoded: String = last
        .bytes()
        .map(|b| if is_attr(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_header() {
        for (name, plain, encoded) in [
            ("a b.json", "a b.json", "a%20b.json"),
            ("../../etc/passwd", "passwd", "passwd"),
            ("C:\\x\\r.csv", "r.csv", "r.csv"),
            ("\"; x=\"\r\n", "__ x____", "%22%3B%20x%3D%22%0D%0A"),
            ("\u{e4}.json", "_.json", "%C3%A4.json"),
        ] {
            let whole = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
            assert_eq!(attachment(name), whole);
        }
    }
}
