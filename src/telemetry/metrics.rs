//! Every metric of the program, by the names of the operations guide, and their text.
//!
//! A metric's help text is its documentation: [`Metrics::encode`] prints it, dashboards
//! and `docs` read it there. Values come in through the setters, so that no other module
//! knows the metrics library. Label values come from closed sets (routes, not paths).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use super::process::ProcessCollector;

/// Content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds; from a cached read to the slowest answer that anyone should accept.
const REQUEST_BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Seconds; a point read is about 4 µs, a durable commit about 1 ms.
const QUERY_BUCKETS: [f64; 11] =
    [0.000_005, 0.000_02, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

type Text = Cow<'static, str>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    endpoint: Arc<str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    endpoint: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EncodingLabels {
    encoding: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpLabels {
    op: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransactionLabels {
    op: Text,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: Text,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: Text,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics; a clone is another handle on the same values.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    http: Http,
    db: Db,
    jobs: Jobs,
}

#[derive(Debug, Clone)]
struct Http {
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histograms<RouteLabels>,
    in_progress: Gauge,
    saved_bytes: Family<EncodingLabels, Counter>,
    connections: Gauge,
}

#[derive(Debug, Clone)]
struct Db {
    query_seconds: Histograms<OpLabels>,
    transactions: Family<TransactionLabels, Counter>,
    snapshots: Gauge,
}

#[derive(Debug, Clone)]
struct Jobs {
    tasks: Family<TaskLabels, Counter>,
    queue_length: Family<QueueLabels, Gauge>,
    workers: Gauge,
    watched: Family<OutcomeLabels, Counter>,
    watch_waiting: Gauge,
}

/// Registers a metric under `name` with its help text and gives back the handle.
fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Http {
    fn register(r: &mut Registry) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(REQUEST_BUCKETS);
        Self {
            requests: add(
                r,
                "vulnzero_http_requests",
                "HTTP requests answered, by route (never the raw path) and status",
                Family::default(),
            ),
            request_seconds: add(
                r,
                "vulnzero_request_duration_seconds",
                "Time from the request's head to the last byte of the answer",
                Family::new_with_constructor(histogram),
            ),
            in_progress: add(
                r,
                "vulnzero_http_requests_in_progress",
                "HTTP requests being answered",
                Gauge::default(),
            ),
            saved_bytes: add(
                r,
                "vulnzero_http_compression_saved_bytes",
                "Bytes not sent because answers were compressed",
                Family::default(),
            ),
            connections: add(
                r,
                "vulnzero_http_connections_active",
                "Open client connections",
                Gauge::default(),
            ),
        }
    }
}

impl Db {
    fn register(r: &mut Registry) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(QUERY_BUCKETS);
        Self {
            query_seconds: add(
                r,
                "vulnzero_db_query_duration_seconds",
                "Time of storage operations, by operation",
                Family::new_with_constructor(histogram),
            ),
            transactions: add(
                r,
                "vulnzero_db_transactions",
                "Write transactions, by operation and outcome",
                Family::default(),
            ),
            snapshots: add(
                r,
                "vulnzero_db_connections_active",
                "Open read snapshots (the storage is in the process and has no connections)",
                Gauge::default(),
            ),
        }
    }
}

impl Jobs {
    fn register(r: &mut Registry) -> Self {
        Self {
            tasks: add(
                r,
                "celery_tasks",
                "Background jobs that ended, by kind and status",
                Family::default(),
            ),
            queue_length: add(
                r,
                "celery_queue_length",
                "Background jobs that wait, by queue",
                Family::default(),
            ),
            workers: add(
                r,
                "celery_workers_active",
                "Workers that run a background job",
                Gauge::default(),
            ),
            watched: add(
                r,
                "vulnzero_watch_files",
                "Files of the watched directory, by outcome: imported, failed (refused), stuck \
                 (cannot be moved away), error (the directory or the server failed)",
                Family::default(),
            ),
            watch_waiting: add(
                r,
                "vulnzero_watch_files_waiting",
                "Files in the watched directory that are not imported yet",
                Gauge::default(),
            ),
        }
    }
}

impl Metrics {
    /// All metrics at zero, for the program's `version`.
    #[must_use]
    pub fn new(version: &'static str) -> Self {
        let mut r = Registry::default();
        r.register("vulnzero_build", "The running version", Info::new([("version", version)]));
        let (http, db) = (Http::register(&mut r), Db::register(&mut r));
        let jobs = Jobs::register(&mut r);
        r.register_collector(Box::new(ProcessCollector));
        Self { registry: Arc::new(r), http, db, jobs }
    }

    /// All metrics as OpenMetrics text, to be sent as [`CONTENT_TYPE`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(16 << 10);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing to a String does not fail");
        text
    }

    /// A request begins.
    pub fn request_started(&self) {
        self.http.in_progress.inc();
    }

    /// A request that began has its answer, sent or cut. `endpoint` is the route's pattern.
    pub fn request_finished(
        &self,
        method: &'static str,
        endpoint: Arc<str>,
        status: u16,
        took: Duration,
    ) {
        self.http.in_progress.dec();
        let route = RouteLabels { method, endpoint: endpoint.clone() };
        self.http.request_seconds.get_or_create(&route).observe(took.as_secs_f64());
        self.http.requests.get_or_create(&RequestLabels { method, endpoint, status }).inc();
    }

    /// Bytes that compression kept off the wire.
    pub fn compression_saved(&self, encoding: &'static str, bytes: u64) {
        self.http.saved_bytes.get_or_create(&EncodingLabels { encoding }).inc_by(bytes);
    }

    /// A client connection was accepted; it is counted until the value is dropped.
    #[must_use]
    pub fn connection(&self) -> Counted {
        Counted::new(&self.http.connections)
    }

    /// A storage operation took this long.
    pub fn db_query(&self, op: impl Into<Text>, took: Duration) {
        self.db
            .query_seconds
            .get_or_create(&OpLabels { op: op.into() })
            .observe(took.as_secs_f64());
    }

    /// A write transaction ended; `outcome` is `committed`, `conflict` or `failed`.
    pub fn db_transaction(&self, op: impl Into<Text>, outcome: &'static str) {
        self.db.transactions.get_or_create(&TransactionLabels { op: op.into(), outcome }).inc();
    }

    /// The number of open read snapshots.
    pub fn set_db_connections(&self, open: i64) {
        self.db.snapshots.set(open);
    }

    /// A background job ended (or was put back); `status` is the job's status.
    pub fn task_done(&self, task: impl Into<Text>, status: &'static str) {
        self.jobs.tasks.get_or_create(&TaskLabels { task: task.into(), status }).inc();
    }

    /// The number of jobs that wait in a queue.
    pub fn set_queue_length(&self, queue: impl Into<Text>, jobs: i64) {
        self.jobs.queue_length.get_or_create(&QueueLabels { queue: queue.into() }).set(jobs);
    }

    /// A file of the watched directory was dealt with; `outcome` is one of those that the
    /// metric names.
    pub fn watch_done(&self, outcome: &'static str) {
        self.jobs.watched.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// The number of files in the watched directory that are not imported yet.
    pub fn set_watch_waiting(&self, files: i64) {
        self.jobs.watch_waiting.set(files);
    }

    /// A worker takes up a job; it is counted until the value is dropped.
    #[must_use]
    pub fn worker(&self) -> Counted {
        Counted::new(&self.jobs.workers)
    }
}

/// One more in a gauge, for as long as this value lives.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_guide_are_served_with_their_values() {
        let m = Metrics::new("1.2.3");
        m.request_started();
        m.request_finished("GET", "/api/v1/assets/:id".into(), 200, Duration::from_millis(2));
        m.compression_saved("zstd", 900);
        m.db_query("assets.get", Duration::from_micros(4));
        m.db_transaction("assets.create", "committed");
        m.set_db_connections(3);
        m.task_done("import", "succeeded");
        m.set_queue_length("default", 7);
        let busy = m.worker();
        let text = m.encode();
        for line in [
            "vulnzero_build_info{version=\"1.2.3\"} 1",
            "vulnzero_http_requests_total{method=\"GET\",endpoint=\"/api/v1/assets/:id\",status=\"200\"} 1",
            "vulnzero_request_duration_seconds_bucket{le=\"0.0025\",method=\"GET\",endpoint=\"/api/v1/assets/:id\"} 1",
            "vulnzero_http_requests_in_progress 0",
            "vulnzero_http_compression_saved_bytes_total{encoding=\"zstd\"} 900",
            "vulnzero_db_query_duration_seconds_count{op=\"assets.get\"} 1",
            "vulnzero_db_transactions_total{op=\"assets.create\",outcome=\"committed\"} 1",
            "vulnzero_db_connections_active 3",
            "celery_tasks_total{task=\"import\",status=\"succeeded\"} 1",
            "celery_queue_length{queue=\"default\"} 7",
            "celery_workers_active 1",
        ] {
            assert!(text.lines().any(|l| l == line), "no line {line:?} in\n{text}");
        }
        if cfg!(target_os = "linux") {
            for name in ["cpu_seconds_total", "open_fds", "resident_memory_bytes"] {
                assert!(text.contains(&format!("\nprocess_{name} ")), "{name} in\n{text}");
            }
        }
        assert!(text.ends_with("# EOF\n"));
        drop(busy);
        assert!(m.encode().contains("\ncelery_workers_active 0\n"));
    }
}
