//! Exports: what a list shows, all of it, as a file. A broken export breaks the connection,
//! so that no client takes a part for the whole.

use futures_util::stream;
use poem::http::{HeaderValue, header};
use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaResponse, MetaResponses, Registry};
use poem_openapi::{ApiResponse, OpenApi};

use super::Tag;
use crate::base::{Error, Result as BaseResult};
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::package::Package;
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::http::Problem;
use crate::http::auth::Caller;
use crate::http::params::ExportParams;
use crate::services::Core;
use crate::services::exports::{self, Export, Piece};

/// A file as an answer. What it may be is described where the formats are known
/// (`openapi/lists.rs`).
pub(super) struct Download(Response);

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Download {
    fn meta() -> MetaResponses {
        let response = MetaResponse {
            description: "The file",
            status: Some(200),
            status_range: None,
            content: vec![],
            headers: vec![],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

fn download(export: Export) -> BaseResult<Download> {
    let disposition = format!("attachment; filename=\"{}\"", export.file);
    let disposition = HeaderValue::from_str(&disposition)
        .map_err(|e| Error::internal("a file name is no header value").with_source(e))?;
    let media = match export.info.media_type {
        "text/csv" => "text/csv; charset=utf-8",
        other => other,
    };
    let body = Body::from_bytes_stream(stream::try_unfold(
        (Some(export.first), export.rest),
        async |(first, mut rest)| {
            let piece = match first {
                Some(first) => Some(first),
                None => rest.recv().await,
            };
            match piece {
                Some(Piece::Bytes(bytes)) => Ok(Some((bytes, (None, rest)))),
                Some(Piece::End) => Ok(None),
                // hyper then closes the connection without the last chunk.
                Some(Piece::Broken(e)) => Err(std::io::Error::other(e)),
                None => Err(std::io::Error::other("the export ended before its end")),
            }
        },
    ));
    let response = Response::builder()
        .content_type(media)
        .header(header::CONTENT_DISPOSITION, disposition)
        .header(header::CACHE_CONTROL, "no-store")
        .body(body);
    Ok(Download(response))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn body(pieces: Vec<Piece>) -> Body {
        let (sender, rest) = mpsc::channel(8);
        for piece in pieces {
            sender.try_send(piece).unwrap();
        }
        let info = exports::all().next().unwrap().0;
        let first = Piece::Bytes("first,".into());
        let export = Export { info, file: "x.csv".into(), first, rest };
        download(export).unwrap().into_response().into_body()
    }

    #[tokio::test]
    async fn only_what_is_whole_ends_well() {
        let whole = body(vec![Piece::Bytes("second".into()), Piece::End]);
        assert_eq!(whole.into_vec().await.unwrap(), b"first,second");
        let broken = || Piece::Broken(Error::internal("the disk is gone"));
        assert!(body(vec![broken()]).into_vec().await.is_err());
        assert!(body(vec![Piece::Bytes("half".into())]).into_vec().await.is_err());
    }
}

/// Declares the export of a list.
macro_rules! exportable {
    ($api:ident, $record:ty, $tag:expr, $prefix:literal, $id:literal, $summary:literal) => {
        #[doc = $summary]
        pub(super) struct $api;

        #[OpenApi(prefix_path = $prefix, tag = $tag)]
        impl $api {
            /// Export
            ///
            /// Everything that passes the filters, as a file, in one stream. Filters and order
            /// are those of the list; documents (SARIF, CycloneDX, OpenVEX, CSAF) have an order
            /// of their own. If it breaks off, the connection is cut: what has come is not
            /// whole. At most four exports run at once.
            #[oai(path = "/export", method = "get", operation_id = $id)]
            async fn export(
                &self,
                core: Data<&Core>,
                caller: Caller,
                params: ExportParams<$record>,
            ) -> Result<Download, Problem> {
                let begun =
                    exports::begin::<$record>(&core, &caller.0, Role::Viewer, params.wanted);
                Ok(download(begun.await?)?)
            }
        }
    };
}

exportable!(
    Findings,
    Finding,
    Tag::Findings,
    "/findings",
    "export_findings",
    "Exporting findings."
);
exportable!(
    Vulnerabilities,
    Vulnerability,
    Tag::Vulnerabilities,
    "/vulnerabilities",
    "export_vulnerabilities",
    "Exporting vulnerabilities."
);
exportable!(Assets, Asset, Tag::Assets, "/assets", "export_assets", "Exporting assets.");
exportable!(
    Packages,
    Package,
    Tag::Packages,
    "/packages",
    "export_packages",
    "Exporting packages."
);
exportable!(
    Decisions,
    Decision,
    Tag::Decisions,
    "/decisions",
    "export_decisions",
    "Exporting decisions."
);
