//! Arguments of the commands for rules and SLA policies.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// What `rules` does.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules in their order
    List,
    /// Show one rule
    Show {
        /// Number or name
        rule: String,
    },
    /// Make a rule: vulnzero rules create openssl --if 'package=openssl*' --assign eve
    Create(RuleCreate),
    /// Change a rule; conditions and actions that are given replace all of them
    Update(RuleUpdate),
    /// Remove a rule; what it has set is taken back
    Delete {
        /// Number or name
        rule: String,
    },
    /// Put the rules in an order: all numbers, first to last
    Order {
        /// Numbers
        #[arg(required = true)]
        ids: Vec<u64>,
    },
}

/// What `sla` does.
#[derive(Debug, Subcommand)]
pub enum SlaCommand {
    /// List the policies in their order
    List,
    /// Show one policy
    Show {
        /// Number or name
        policy: String,
    },
    /// Make a policy: vulnzero sla create internet --if exposure=internet --days 7
    Create(SlaCreate),
    /// Change a policy; conditions that are given replace all of them
    Update(SlaUpdate),
    /// Remove a policy; due dates that it has set are taken back
    Delete {
        /// Number or name
        policy: String,
    },
    /// Put the policies in an order: all numbers, first to last
    Order {
        /// Numbers
        #[arg(required = true)]
        ids: Vec<u64>,
    },
}

/// Which findings, and what rules and policies have in common.
#[derive(Debug, ClapArgs)]
pub struct Which {
    /// A condition: severity=critical,high  package=openssl*  tag=team=web  kev=true
    #[arg(long = "if", value_name = "FIELD=VALUE", conflicts_with = "all")]
    pub conditions: Vec<String>,
    /// Every finding
    #[arg(long)]
    pub all: bool,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// JSON as the API takes it; `-` reads standard input. Flags go before what it says
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// What a rule does.
#[derive(Debug, ClapArgs)]
pub struct Does {
    /// Who works on it
    #[arg(long, value_name = "NAME")]
    pub assign: Option<String>,
    /// Due so many days after it was seen first, or came back
    #[arg(long, value_name = "DAYS")]
    pub due_days: Option<u64>,
    /// It counts as looked at
    #[arg(long)]
    pub triage: bool,
    /// What to know
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// No later rule is tried once it matched
    #[arg(long)]
    pub stop: bool,
}

/// How a policy's clock runs.
#[derive(Debug, ClapArgs)]
pub struct Runs {
    /// What the clock does when a fixed finding comes back: restart, continue
    #[arg(long, value_name = "WORD")]
    pub on_reopen: Option<String>,
    /// What the clock does while a verdict holds: pause, run
    #[arg(long, value_name = "WORD")]
    pub while_accepted: Option<String>,
}

/// Arguments of `rules create`.
#[derive(Debug, ClapArgs)]
pub struct RuleCreate {
    /// What people call it; not needed if the file says it
    #[arg(required_unless_present = "file")]
    pub name: Option<String>,
    /// Which findings
    #[command(flatten)]
    pub which: Which,
    /// What it does
    #[command(flatten)]
    pub does: Does,
    /// Make it, but do not use it yet
    #[arg(long)]
    pub disabled: bool,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `rules update`.
#[derive(Debug, ClapArgs)]
pub struct RuleUpdate {
    /// Number or name
    pub rule: String,
    /// A new name
    #[arg(long)]
    pub name: Option<String>,
    /// Which findings
    #[command(flatten)]
    pub which: Which,
    /// What it does
    #[command(flatten)]
    pub does: Does,
    /// Use it
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Do not use it
    #[arg(long)]
    pub disable: bool,
}

/// Arguments of `sla create`.
#[derive(Debug, ClapArgs)]
pub struct SlaCreate {
    /// What people call it; not needed if the file says it
    #[arg(required_unless_present = "file")]
    pub name: Option<String>,
    /// Which findings
    #[command(flatten)]
    pub which: Which,
    /// Days from the beginning of the clock
    #[arg(long, required_unless_present = "file")]
    pub days: Option<u64>,
    /// How its clock runs
    #[command(flatten)]
    pub runs: Runs,
    /// Make it, but do not use it yet
    #[arg(long)]
    pub disabled: bool,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `sla update`.
#[derive(Debug, ClapArgs)]
pub struct SlaUpdate {
    /// Number or name
    pub policy: String,
    /// A new name
    #[arg(long)]
    pub name: Option<String>,
    /// Which findings
    #[command(flatten)]
    pub which: Which,
    /// Days from the beginning of the clock
    #[arg(long)]
    pub days: Option<u64>,
    /// How its clock runs
    #[command(flatten)]
    pub runs: Runs,
    /// Use it
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Do not use it
    #[arg(long)]
    pub disable: bool,
}
