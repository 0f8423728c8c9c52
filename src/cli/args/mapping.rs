//! The arguments of `mapping`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// What `mapping` does. Saved ones are listed with `list mappings`.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Save a mapping, or replace the columns of one
    Set {
        /// Its name, for `import --mapping`
        name: String,
        #[command(flatten)]
        columns: Columns,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Show what a mapping would make of a file; nothing is stored
    Preview {
        /// The file; `-` reads standard input
        file: PathBuf,
        #[command(flatten)]
        columns: Columns,
    },
    /// Remove a mapping
    Delete {
        /// Name or number
        name: String,
    },
}

/// What columns mean.
#[derive(Debug, ClapArgs)]
pub struct Columns {
    /// What a column means: --column 'Bug=id' --column 'asset.name=asset'
    #[arg(long = "column", value_name = "NAME=FIELD")]
    pub columns: Vec<String>,
}
