//! L5. The configuration: defaults, file, environment and flags become one [`Config`], and
//! every value remembers where it came from. Sections are plain data; the composition
//! root turns them into the options of each module. No module below may import this one.
//!
//! ```no_run
//! use vulnzero::config;
//! let sources = config::Sources::from_process(None, Vec::new())?;
//! let loaded = config::load(&sources, &config::read_file)?;
//! println!("{}", loaded.config.server.listen);
//! # Ok::<(), vulnzero::base::Error>(())
//! ```

mod layers;
mod load;
pub mod show;
mod table;
mod toml_file;
mod types;

pub use layers::{Origin, ReadFile};
pub use load::{DEFAULT_FILE, Effective, Flag, Loaded, Sources, load, read_file};
pub use table::{
    Auth, Compression, Config, Import, Jobs, Log, OPTIONS, OTHER_VARIABLES, RateLimit, SECTIONS,
    Server, Spec, Storage,
};
pub use types::{ByteSize, Kind, LogFormat, LogLevel, PublicUrl, SecureCookies, Setting};
