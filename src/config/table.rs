//! The one declaration of every option. Parsing, errors, the reference file, the README
//! table and the `config` command all come from it; nothing about an option is written
//! anywhere else.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::load::Reader;
use super::types::{ByteSize, Kind, LogFormat, LogLevel, PublicUrl, SecureCookies, Setting};
use crate::base::limits;
use crate::base::secret::Secret;

/// What there is to know about one option.
#[derive(Debug)]
pub struct Spec {
    /// The table of the file that it stands in.
    pub section: &'static str,
    /// Its key in that table.
    pub key: &'static str,
    /// The full name, `section.key`.
    pub name: &'static str,
    /// How it is written.
    pub kind: Kind,
    /// Whether the value must not be shown. A secret also has a `…_file` form.
    pub secret: bool,
    /// Unit of a number.
    pub unit: Option<&'static str>,
    /// A value that shows how it is written.
    pub example: &'static str,
    doc: &'static str,
    allowed: &'static str,
    range: fn() -> Option<(String, String)>,
    default: fn() -> String,
}

impl Spec {
    /// What it is for.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim_start()
    }

    /// The default as text; empty if it is not set.
    #[must_use]
    pub fn default(&self) -> String {
        (self.default)()
    }

    /// What values are allowed.
    #[must_use]
    pub fn allowed(&self) -> String {
        match (self.range)() {
            Some((low, high)) => format!("{}, from {low} to {high}", self.allowed),
            None => self.allowed.to_owned(),
        }
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn env(&self) -> String {
        format!("VULNZERO_{}_{}", self.section, self.key).to_ascii_uppercase()
    }
}

macro_rules! options {
    (@range $ty:ty) => { None };
    (@range $ty:ty, $low:expr, $high:expr) => { Some(($low, $high)) };
    (@unit) => { None };
    (@unit $unit:literal) => { Some($unit) };
    ($(
        $(#[doc = $sdoc:literal])+
        $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $ty:ty = $default:expr
                $(, from $low:expr, to $high:expr)?
                $(, unit $unit:literal)?
                , example $example:literal;
            )*
        }
    )*) => {
        $(
            $(#[doc = $sdoc])+
            #[derive(Debug, Clone)]
            pub struct $Section { $($(#[doc = $doc])+ pub $key: $ty),* }

            impl $Section {
                fn read(reader: &mut Reader<'_>) -> Self {
                    Self { $($key: reader.take(
                        concat!(stringify!($section), ".", stringify!($key)),
                        $default,
                        options!(@range $ty $(, $low, $high)?),
                    )),* }
                }
            }
        )*

        /// All settings, read and checked.
        #[derive(Debug, Clone)]
        pub struct Config { $($(#[doc = $sdoc])+ pub $section: $Section),* }

        impl Config {
            pub(super) fn read(reader: &mut Reader<'_>) -> Self {
                Self { $($section: $Section::read(reader)),* }
            }
        }

        /// The sections and what each is about.
        pub const SECTIONS: &[(&str, &str)] = &[$((stringify!($section), concat!($($sdoc),+))),*];

        /// Every option, in the order in which it is documented.
        pub const OPTIONS: &[Spec] = &[$($(
            Spec {
                section: stringify!($section),
                key: stringify!($key),
                name: concat!(stringify!($section), ".", stringify!($key)),
                kind: <$ty as Setting>::KIND,
                secret: <$ty as Setting>::SECRET,
                unit: options!(@unit $($unit)?),
                example: $example,
                doc: concat!($($doc),+),
                allowed: <$ty as Setting>::ALLOWED,
                range: || {
                    let range: Option<($ty, $ty)> = options!(@range $ty $(, $low, $high)?);
                    range.map(|(low, high)| (low.show(), high.show()))
                },
                default: || <$ty as Setting>::show(&$default),
            }
        ),*),*];
    };
}

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

options! {
    /// The listener and what may be seen without logging in.
    server: Server {
        /// Address and port to listen on. The default is reachable from this machine only.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8000)), example "0.0.0.0:8000";
        /// Connections served at once; further ones wait in the kernel's queue.
        max_connections: u32 = 1024, from 1, to 1_000_000, unit "connections", example "4096";
        /// How long a client may take to send its request headers.
        header_timeout_s: u64 = 10, from 1, to 600, unit "seconds", example "20";
        /// How long a request body may pause before it is given up.
        body_timeout_s: u64 = 30, from 1, to 3600, unit "seconds", example "60";
        /// How long a connection without a request stays open.
        idle_timeout_s: u64 = 75, from 1, to 3600, unit "seconds", example "120";
        /// How long running requests may take to finish when the server stops.
        drain_timeout_s: u64 = 25, from 0, to 600, unit "seconds", example "60";
        /// Proxies whose X-Forwarded-For is believed.
        trusted_proxies: Vec<IpNet> = Vec::new(), example "10.0.0.0/8,fd00::/8";
        /// Whether /docs and /openapi.json can be read without logging in.
        public_docs: bool = false, example "true";
        /// Whether /metrics can be read without logging in.
        public_metrics: bool = false, example "true";
        /// Whether session cookies are sent over TLS only.
        secure_cookies: SecureCookies = SecureCookies::Auto, example "always";
        /// The address that people use, for links and for deciding about TLS.
        public_url: Option<PublicUrl> = None, example "https://vulns.example.org";
    }
    /// The data directory.
    storage: Storage {
        /// Where everything is kept. Under systemd the default is the unit's StateDirectory.
        data_dir: PathBuf = PathBuf::from("./vulnzero-data"), example "/var/lib/vulnzero";
        /// Memory that the database uses as its cache.
        cache_bytes: ByteSize = ByteSize(64 * MIB),
            from ByteSize(8 * MIB), to ByteSize(1024 * GIB), unit "bytes", example "512MiB";
        /// Writing is suspended while less disk space than this is free.
        min_free_bytes: ByteSize = ByteSize(256 * MIB), unit "bytes", example "1GiB";
        /// A warning is shown while less disk space than this is free.
        warn_free_bytes: ByteSize = ByteSize(GIB), unit "bytes", example "5GiB";
    }
    /// Compression of responses.
    compression: Compression {
        /// Whether responses are compressed at all.
        enabled: bool = true, example "false";
        /// Smallest response that is compressed.
        min_bytes: ByteSize = ByteSize(1000), unit "bytes", example "2000";
        /// Effort for clients that only know gzip.
        gzip_level: u8 = 6, from 1, to 9, example "4";
        /// Effort for zstd, the preferred encoding.
        zstd_level: u8 = 3, from 1, to 19, example "1";
        /// Effort for brotli.
        brotli_level: u8 = 2, from 0, to 11, example "4";
    }
    /// Limits of imported reports.
    import: Import {
        /// Largest report as it is sent, compressed or not.
        max_upload_bytes: ByteSize = ByteSize(limits::UPLOAD_BYTES), unit "bytes", example "1GiB";
        /// Largest report after decompression.
        max_report_bytes: ByteSize = ByteSize(limits::REPORT_BYTES), unit "bytes", example "8GiB";
        /// Most findings in one report.
        max_findings: u64 = limits::REPORT_FINDINGS,
            from 1, to 1_000_000_000, unit "findings", example "10000000";
        /// A directory whose files are imported and then moved to done/ or failed/ in it.
        watch_dir: Option<PathBuf> = None, example "/srv/scans";
        /// How often it is looked at; a file is taken when two looks see it the same.
        watch_interval_s: u64 = 10, from 1, to 3600, unit "seconds", example "60";
        /// Whether reports are kept as they were sent, compressed, to be looked at again.
        keep_originals: bool = true, example "false";
        /// Largest report that is kept, as it is sent.
        original_max_bytes: ByteSize = ByteSize(256 * MIB), unit "bytes", example "1GiB";
        /// What all kept reports may take on disk together; the oldest are dropped.
        originals_total_bytes: ByteSize = ByteSize(5 * GIB), unit "bytes", example "50GiB";
        /// A report that would close more than this share of what its scanner had found on
        /// an asset closes nothing until a person accepts it.
        quarantine_percent: u64 = 50, from 1, to 100, unit "%", example "80";
        /// Up to this many findings are closed without asking.
        quarantine_above: u64 = 10, from 0, to 1_000_000_000, unit "findings", example "100";
    }
    /// Undoing imports and bulk edits.
    undo: Undo {
        /// What they replaced is kept for this long; 0 keeps nothing, and nothing can be
        /// undone.
        keep_days: u64 = 14, from 0, to 3650, unit "days", example "30";
    }
    /// Logging in.
    auth: Auth {
        /// A session ends this long after logging in.
        session_hours: u64 = 12, from 1, to 8760, unit "hours", example "24";
        /// A session ends when nothing was requested for this long.
        session_idle_minutes: u64 = 120, from 1, to 525_600, unit "minutes", example "30";
        /// Password of the user 'admin' made at the first start, instead of the set-up page.
        admin_password: Option<Secret> = None, example "correct horse battery staple";
        /// Failed attempts after which an account pauses.
        lockout_failures: u32 = 5, from 1, to 1000, unit "attempts", example "10";
        /// How long the first pause lasts; each further one is twice as long, up to an hour.
        lockout_seconds: u64 = 60, from 1, to 3600, unit "seconds", example "30";
    }
    /// Requests that one client may send.
    rate_limit: RateLimit {
        /// Requests that only read.
        read_per_minute: u64 = 6000, from 1, to 10_000_000, unit "requests", example "60000";
        /// Requests that change something.
        write_per_minute: u64 = 3000, from 1, to 10_000_000, unit "requests", example "30000";
        /// Attempts to log in or to set up.
        auth_per_minute: u64 = 30, from 1, to 10_000_000, unit "requests", example "10";
    }
    /// Background work.
    jobs: Jobs {
        /// Jobs that run at once.
        workers: u32 = 2, from 1, to 64, unit "jobs", example "4";
    }
    /// The log, written to standard error.
    log: Log {
        /// Which messages are written.
        level: LogLevel = LogLevel(String::from("info")), example "info,vulnzero::store=debug";
        /// How lines look; auto is text on a terminal and JSON otherwise.
        format: LogFormat = LogFormat::Auto, example "json";
    }
}

/// Environment variables with our prefix that are no options, and what they are for.
pub const OTHER_VARIABLES: &[(&str, &str)] = &[
    ("VULNZERO_CONFIG", "path of the configuration file, like --config"),
    ("VULNZERO_ADMIN_PASSWORD_FILE", "short for VULNZERO_AUTH_ADMIN_PASSWORD_FILE"),
    ("VULNZERO_SERVER", "server that the command line talks to, like --server"),
    ("VULNZERO_TOKEN", "API token of the command line"),
    ("VULNZERO_REPORTS", "for the tests: a folder of scanner reports"),
    ("VULNZERO_WEB_DIST", "at build time: a dashboard that is built already"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        let mut variables: Vec<String> = OPTIONS.iter().map(Spec::env).collect();
        variables.extend(OTHER_VARIABLES.iter().map(|(name, _)| (*name).to_owned()));
        variables.extend(OPTIONS.iter().filter(|o| o.secret).map(|o| o.env() + "_FILE"));
        let count = variables.len();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), count, "two options share a variable");
        for option in OPTIONS {
            assert!(option.doc().ends_with('.'), "{}", option.name);
            assert!(!option.example.is_empty(), "{}", option.name);
            assert_ne!(option.example, option.default(), "{}: example is the default", option.name);
        }
    }
}
