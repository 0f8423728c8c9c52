//! What is asked. Each question varies from one time to the next, so that no answer is
//! the one before. Every list counts its total exactly.

/// Something that people and programs ask.
pub struct Question {
    /// What it is.
    pub name: &'static str,
    /// The path of the n-th time.
    pub path: Box<dyn Fn(u64) -> String + Sync>,
}

fn question(name: &'static str, path: impl Fn(u64) -> String + Sync + 'static) -> Question {
    Question { name, path: Box::new(path) }
}

/// A list of 50 findings, from the first page to the twentieth.
fn list(name: &'static str, query: &'static str) -> Question {
    question(name, move |n| format!("/api/v1/findings?page_size=50&page={}{query}", 1 + n % 20))
}

/// Every question, for a server that holds this many findings.
pub fn all(size: u64) -> Vec<Question> {
    let assets = size / super::ASSET;
    vec![
        question("/health", |_| "/health".into()),
        question("one by number", move |n| format!("/api/v1/findings/{}", 1 + n * 7919 % size)),
        list("list: most urgent", "&sort=-priority_score"),
        list("list: open, one severity", "&status=open&severity=critical&sort=-priority_score"),
        list(
            "list: two severities, fixable, one ecosystem",
            "&severity=critical,high&fix_available=true&ecosystem=deb&sort=-priority_score",
        ),
        list(
            "list: severity, fixable, newest",
            "&severity=high&fix_available=true&sort=-first_seen",
        ),
        list("list: score range by CVE id", "&priority_score=30..&sort=cve_id"),
        question("list: an asset's high ones", move |n| {
            format!(
                "/api/v1/findings?page_size=50&asset=asset-{}&severity=high&sort=-priority_score",
                n % assets
            )
        }),
        question("list: a search", |n| {
            format!("/api/v1/findings?page_size=50&search=lib{}&sort=-priority_score", n % 997)
        }),
        question("list: a search within a severity", |n| {
            let package = n % 997;
            format!("/api/v1/findings?page_size=50&search=lib{package}&severity=critical")
        }),
        question("facets: severity, status", |n| {
            let filter = ["true", "false"][(n % 2) as usize];
            format!("/api/v1/findings/facets?fields=severity,status&fix_available={filter}")
        }),
        question("overview", |_| "/api/v1/stats".into()),
        question("vulnerabilities: most urgent", |n| {
            format!("/api/v1/vulnerabilities?page_size=50&page={}&sort=-priority_score", 1 + n % 20)
        }),
        question("assets: riskiest", |n| {
            format!("/api/v1/assets?page_size=5&page={}&sort=-risk_score", 1 + n % 2)
        }),
    ]
}
