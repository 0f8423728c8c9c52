//! Demo data: real scanner reports, so that there is something to look at. They are the
//! importers' own test fixtures (see `tests/fixtures/reports`).

use poem::http::Method;
use serde_json::{Value, json};

use super::client::{Client, Content};
use crate::base::{Error, Result};

/// Name and report.
const REPORTS: &[(&str, &[u8])] = &[
    ("alpine.json", include_bytes!("../../tests/fixtures/reports/trivy/trivy-alpine-39.json")),
    ("amazon.json", include_bytes!("../../tests/fixtures/reports/trivy/trivy-amazon-2.json")),
    (
        "fluentd.json",
        include_bytes!("../../tests/fixtures/reports/trivy/trivy-fluentd-multiple-lockfiles.json"),
    ),
    ("gomod.json", include_bytes!("../../tests/fixtures/reports/trivy/trivy-gomod.json")),
    ("npm.json", include_bytes!("../../tests/fixtures/reports/trivy/trivy-npm.json")),
    ("kubernetes.json", include_bytes!("../../tests/fixtures/reports/trivy/dd-kubernetes.json")),
    ("statuses.json", include_bytes!("../../tests/fixtures/reports/trivy/dd-all_statuses.json")),
    ("legacy.json", include_bytes!("../../tests/fixtures/reports/trivy/dd-legacy_many_vulns.json")),
    (
        "scheme-2.json",
        include_bytes!("../../tests/fixtures/reports/trivy/dd-scheme_2_many_vulns.json"),
    ),
];

/// Account of `serve --demo`, which listens on loopback only.
pub const USERNAME: &str = "admin";
/// Its password.
pub const PASSWORD: &str = "vulnzero-demo";

/// Imports the reports if nothing was imported yet; says how many findings there are.
pub async fn fill(client: &Client) -> Result<u64> {
    let imports = client.send(Method::GET, "/imports?page_size=1", Content::None).await?;
    if imports["total_count"] != json!(0) {
        return count(client).await;
    }
    for (name, report) in REPORTS {
        let content =
            Content::Stream(Box::new(std::io::Cursor::new(*report)), Some(report.len() as u64));
        let import: Value =
            client.send(Method::POST, &format!("/imports?filename={name}"), content).await?;
        if import["status"] != "completed" {
            return Err(Error::internal(format!(
                "the demo report {name} was not imported: {import}"
            )));
        }
    }
    describe(client).await?;
    count(client).await
}

/// Gives some assets an importance and an exposure, as an owner would.
async fn describe(client: &Client) -> Result<()> {
    let assets =
        client.send(Method::GET, "/assets?sort=-risk_score&page_size=8", Content::None).await?;
    let facts = [
        (9, "internet", "production"),
        (8, "internal", "production"),
        (6, "internet", "staging"),
        (3, "isolated", "development"),
    ];
    for (asset, (criticality, exposure, environment)) in
        assets["items"].as_array().into_iter().flatten().zip(facts)
    {
        let change =
            json!({"criticality": criticality, "exposure": exposure, "environment": environment});
        client
            .send(Method::PATCH, &format!("/assets/{}", asset["id"]), Content::Json(change))
            .await?;
    }
    Ok(())
}

async fn count(client: &Client) -> Result<u64> {
    let stats = client.send(Method::GET, "/stats", Content::None).await?;
    Ok(stats["findings"]["total"].as_u64().unwrap_or_default())
}
