//! The arguments of `inventory`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// Arguments of `inventory`: without a sub-command it prints what is on this host.
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Inventory {
    /// Root of the system to read, for images that are mounted elsewhere
    #[arg(long, default_value = "/", value_name = "DIR")]
    pub root: PathBuf,
    /// Directory of it with applications to look for (npm, Python, Cargo.lock); may be repeated
    #[arg(long, value_name = "DIR")]
    pub path: Vec<PathBuf>,
    /// Name of the asset [default: the host name]
    #[arg(long, value_name = "NAME")]
    pub asset: Option<String>,
    /// What to do instead
    #[command(subcommand)]
    pub command: Option<InventoryCommand>,
}

/// What `inventory` does beside printing.
#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// Import a package list as all that is installed on an asset
    #[command(after_help = IMPORT_HELP)]
    Import(InventoryImport),
}

const IMPORT_HELP: &str = "\
ssh web1 'cat /etc/os-release; dpkg-query -W' | vulnzero inventory import --asset web1 -
ssh web1 'cat /etc/os-release; rpm -qa'       | vulnzero inventory import --asset web1 -
ssh web1 'cat /etc/os-release; apk list -I'   | vulnzero inventory import --asset web1 -
ssh web1 vulnzero inventory                   | vulnzero inventory import --asset web1 -";

/// Arguments of `inventory import`.
#[derive(Debug, ClapArgs)]
pub struct InventoryImport {
    /// The asset whose packages these are
    #[arg(long, value_name = "NAME")]
    pub asset: String,
    /// The list; `-` reads standard input
    #[arg(default_value = "-")]
    pub file: PathBuf,
}
