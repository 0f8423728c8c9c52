//! Arguments of the commands that decide: about findings, imports, and what is the same.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The scanner is wrong
    FalsePositive,
    /// The risk is accepted
    RiskAccepted,
    /// Not exploitable here
    NotAffected,
    /// Somebody works on it
    Assignment,
    /// It should be fixed by a date
    DueDate,
    /// Something to know
    Note,
}

impl Kind {
    /// The word of the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::FalsePositive => "false_positive",
            Self::RiskAccepted => "risk_accepted",
            Self::NotAffected => "not_affected",
            Self::Assignment => "assignment",
            Self::DueDate => "due_date",
            Self::Note => "note",
        }
    }
}

/// Arguments of `decide`.
#[derive(Debug, ClapArgs)]
pub struct Decide {
    /// What is decided
    pub kind: Kind,
    /// Any id of the vulnerability: CVE-2021-44228; not needed with --finding
    #[arg(required_unless_present = "finding")]
    pub vulnerability: Option<String>,
    /// Only this finding
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["asset", "tag", "package"])]
    pub finding: Option<u64>,
    /// Only on this asset (number or name)
    #[arg(long, value_name = "ASSET", conflicts_with = "tag")]
    pub asset: Option<String>,
    /// Only on assets with this tag
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Option<String>,
    /// Only in this package, as findings call it: 'deb openssl'
    #[arg(long, value_name = "ECOSYSTEM NAME")]
    pub package: Option<String>,
    /// Why; needed for a verdict
    #[arg(long)]
    pub reason: Option<String>,
    /// Until when it holds: 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// What lowers the risk meanwhile
    #[arg(long, value_name = "TEXT")]
    pub control: Option<String>,
    /// Why it is not affected, in the words of VEX
    #[arg(long, value_name = "WORD")]
    pub justification: Option<String>,
    /// Who works on it
    #[arg(long, value_name = "NAME")]
    pub assign: Option<String>,
    /// By when it should be fixed
    #[arg(long, value_name = "TIME")]
    pub due: Option<String>,
    /// What to know
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

/// What `quarantine` does.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the imports that wait
    List,
    /// Close what the report no longer names
    Accept {
        /// Number of the import
        id: u64,
    },
    /// Leave open what the report no longer names
    Discard {
        /// Number of the import
        id: u64,
    },
}

/// What can be joined and parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Same {
    /// Assets, by number or name
    Asset,
    /// Vulnerabilities, by any of their ids
    Vulnerability,
}

/// Arguments of `join` and `part`.
#[derive(Debug, ClapArgs)]
pub struct Names {
    /// What
    pub what: Same,
    /// The one that stays
    pub id: String,
    /// The others: names or ids
    #[arg(required = true)]
    pub others: Vec<String>,
}
