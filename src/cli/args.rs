//! The arguments. Their doc comments are the help texts, the man page and the completions.

pub mod inventory;
pub mod mapping;
pub mod rules;
pub mod triage;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::exit;
use crate::config::Flag;

/// Self-hosted vulnerability remediation: one executable with everything inside.
#[derive(Debug, Parser)]
#[command(name = "vulnzero", version, after_help = exit::HELP, propagate_version = true, arg_required_else_help = true)]
pub struct Args {
    /// Configuration file [default: /etc/vulnzero/vulnzero.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory [default: ./vulnzero-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Talk to this server instead of the data directory (also `VULNZERO_SERVER`)
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// File with the API token for --server (also the variable `VULNZERO_TOKEN`)
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Set any option of the configuration: --set log.level=debug
    #[arg(long = "set", global = true, value_name = "OPTION=VALUE")]
    pub set: Vec<String>,
    /// Print JSON instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Serve),
    /// Import scanner reports, SBOMs, VEX documents, inventories; `-` reads standard input
    Import(Import),
    /// Print what is installed on this host, without running anything, as CycloneDX; or
    /// import such a list
    Inventory(inventory::Inventory),
    /// Imports that were made: the report as it was sent
    #[command(subcommand)]
    Imports(Imports),
    /// List records
    List(List),
    /// Export records: everything that passes the filters, as CSV, SARIF, CycloneDX, VEX, …
    Export(Export),
    /// Show one record
    Show(Show),
    /// Decide about findings: false positive, accepted risk, not affected, who, by when
    Decide(triage::Decide),
    /// Take a decision back
    Revoke {
        /// Number of the decision
        id: u64,
    },
    /// Imports that would close suspiciously much, and wait for a person
    #[command(subcommand)]
    Quarantine(triage::Quarantine),
    /// Undo what an import did, as long as nothing has built on it
    Revert {
        /// Number of the import
        id: u64,
    },
    /// Undo a bulk edit, as long as nothing has built on it
    Undo {
        /// Number of the change: `vulnzero list changes`
        id: u64,
    },
    /// Say that assets, or ids of vulnerabilities, are one
    Join(triage::Names),
    /// Say that names of an asset, or ids of a vulnerability, are another
    Part(triage::Names),
    /// Rules: who works on which findings, by when, without saying it each time
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// SLA policies: by when which findings must be fixed
    #[command(subcommand)]
    Sla(rules::SlaCommand),
    /// Say what the columns of a table mean that no known format explains
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
    /// Manage accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Manage API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Write a consistent copy of the database, also while the server runs
    Backup(Backup),
    /// Put a backup in the place of the database; the server must not run
    Restore(Restore),
    /// Verify every index row against its record and back, counts, and the audit chain
    Check,
    /// Give free space in the database back to the file system
    Compact,
    /// Show the index catalogue
    Indexes,
    /// Show the configuration and where each value comes from
    Config(ConfigArgs),
    /// Print the API description
    Openapi,
    /// Fill an empty data directory with real scanner reports to look at
    Demo,
    /// Ask a running server whether it is well; for container health checks
    Health(Health),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// Arguments of `serve`.
#[derive(Debug, ClapArgs)]
pub struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// Begin with demo data and the account admin / vulnzero-demo; loopback only
    #[arg(long)]
    pub demo: bool,
}

/// Arguments of `import`.
#[derive(Debug, ClapArgs)]
pub struct Import {
    /// Reports: plain, gzip or zstd; of a directory all files in it
    #[arg(required = true, value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,
    /// Format; recognised by the content by default
    #[arg(long, default_value = "auto")]
    pub format: String,
    /// Name to give the asset, if the report holds only one
    #[arg(long, value_name = "NAME")]
    pub asset: Option<String>,
    /// Saved mapping that says what the columns of a table, or the keys of JSON, mean
    #[arg(long, value_name = "NAME")]
    pub mapping: Option<String>,
    /// Do not wait until the report is applied (a running server only)
    #[arg(long)]
    pub no_wait: bool,
}

/// What `imports` does.
#[derive(Debug, Subcommand)]
pub enum Imports {
    /// Save the report of an import as it was sent
    Original {
        /// Number of the import
        id: u64,
        /// File to write; `-` is standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// What can be listed and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Resource {
    /// Vulnerabilities on assets: what needs work
    Findings,
    /// Advisories, each known once
    Vulnerabilities,
    /// What can be vulnerable
    Assets,
    /// What is installed where
    Packages,
    /// What listens on which port
    Services,
    /// What columns mean, for import --mapping
    Mappings,
    /// What was decided about findings
    Decisions,
    /// What follows for findings by itself
    Rules,
    /// By when findings must be fixed
    SlaPolicies,
    /// Fixes
    Patches,
    /// Scanner reports that were taken in
    Imports,
    /// What imports and bulk edits did
    Changes,
    /// Background work
    Jobs,
    /// Accounts
    Users,
    /// API tokens
    Tokens,
    /// Who did what
    AuditLogs,
}

/// Arguments of `list`.
#[derive(Debug, ClapArgs)]
pub struct List {
    /// What to list
    pub resource: Resource,
    /// Filters as in the API: severity=critical,high priority_score=70.. search=openssl
    #[arg(value_name = "FIELD=VALUE")]
    pub filters: Vec<String>,
    /// Order, - before a field for largest first: -priority_score
    #[arg(long, allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Page, from 1
    #[arg(long, default_value_t = 1)]
    pub page: u64,
    /// Rows per page
    #[arg(long, default_value_t = 50)]
    pub page_size: u64,
    /// Only these fields (JSON only)
    #[arg(long, value_name = "A,B")]
    pub fields: Option<String>,
}

/// Arguments of `export`.
#[derive(Debug, ClapArgs)]
pub struct Export {
    /// What to export: findings, vulnerabilities, assets, packages or decisions
    pub resource: Resource,
    /// Filters as in the API: severity=critical,high priority_score=70.. search=openssl
    #[arg(value_name = "FIELD=VALUE")]
    pub filters: Vec<String>,
    /// csv or jsonl; of findings also sarif, cyclonedx-vdr, cyclonedx-vex, openvex, csaf-vex
    #[arg(long, default_value = "csv")]
    pub format: String,
    /// One more filter
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    pub more: Vec<String>,
    /// Order of CSV and JSON Lines, - before a field for largest first: -priority_score
    #[arg(long, allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// File to write; it is there only once it is whole. `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
}

/// Arguments of `show`.
#[derive(Debug, ClapArgs)]
pub struct Show {
    /// What to show
    pub resource: Resource,
    /// Number or natural key: CVE-2021-44228
    pub id: String,
}

/// What `user` does.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List accounts
    List,
    /// Make an account; the password is read from --password-file, or asked for
    Create {
        /// Name to log in with
        username: String,
        /// viewer, operator or admin
        #[arg(long, default_value = "viewer")]
        role: String,
        /// File with the password; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Set a new password; ends the account's sessions
    Password {
        /// Name or number
        user: String,
        /// File with the password; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Change the role
    Role {
        /// Name or number
        user: String,
        /// viewer, operator or admin
        role: String,
    },
    /// Lock an account out
    Disable {
        /// Name or number
        user: String,
    },
    /// Let an account in again
    Enable {
        /// Name or number
        user: String,
    },
    /// Remove an account
    Delete {
        /// Name or number
        user: String,
    },
}

/// What `token` does.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// List tokens
    List,
    /// Make a token; its secret is printed this once
    Create {
        /// What it is for
        #[arg(long, default_value = "cli")]
        name: String,
        /// viewer, operator or admin
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Days until it ends; never by default
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// Revoke a token
    Revoke {
        /// Number
        id: u64,
    },
}

/// Arguments of `backup`.
#[derive(Debug, ClapArgs)]
pub struct Backup {
    /// File to write; under backups/ in the data directory by default, and always if a
    /// server runs
    pub file: Option<PathBuf>,
}

/// Arguments of `restore`.
#[derive(Debug, ClapArgs)]
pub struct Restore {
    /// The backup
    pub file: PathBuf,
}

/// Arguments of `config`.
#[derive(Debug, ClapArgs)]
pub struct ConfigArgs {
    /// What to print
    #[arg(value_enum, default_value = "show")]
    pub what: ConfigWhat,
}

/// What `config` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigWhat {
    /// The effective values, each with its origin; secrets are masked
    Show,
    /// A commented file with every option and its default
    Reference,
}

/// Arguments of `health`.
#[derive(Debug, ClapArgs)]
pub struct Health {
    /// Address of the server [default: that of the configuration]
    pub url: Option<String>,
}

impl Args {
    /// The options of the configuration that the command line sets.
    pub fn flags(&self) -> Result<Vec<Flag>, String> {
        let mut flags = Vec::new();
        let mut add = |name: &str, value: String, shown: &str| {
            flags.push(Flag { name: name.to_owned(), value, shown: shown.to_owned() });
        };
        if let Some(data) = &self.data {
            add("storage.data_dir", data.display().to_string(), "--data");
        }
        if let Command::Serve(Serve { listen: Some(listen), .. }) = &self.command {
            add("server.listen", listen.clone(), "--listen");
        }
        for set in &self.set {
            let (name, value) = set
                .split_once('=')
                .ok_or_else(|| format!("--set {set}: write it as section.option=value"))?;
            add(name, value.to_owned(), &format!("--set {name}"));
        }
        Ok(flags)
    }
}
