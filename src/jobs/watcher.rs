//! Looks at the watched directory from time to time.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use crate::services::Core;
use crate::services::imports::Watch;

/// A directory to watch.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Where.
    pub directory: PathBuf,
    /// How often.
    pub every: Duration,
}

/// Watches until it is stopped. What is wrong with the directory is told when it begins to
/// be, not at every look.
pub(super) async fn watch(core: Core, watched: Watched, mut stopped: watch::Receiver<bool>) {
    let mut directory = Watch::new(watched.directory.clone());
    let mut told = None;
    loop {
        let mut ended = stopped.clone();
        let now = stopped.clone();
        let is_stopped = move || *now.borrow();
        let looked = tokio::select! {
            // A file that is waited for is recognised after the next start.
            _ = ended.wait_for(|stop| *stop) => return,
            looked = directory.look(&core, &is_stopped) => looked,
        };
        match looked {
            Ok(()) => told = None,
            Err(e) => {
                core.metrics.watch_done("error");
                let text = e.chain();
                if told.as_ref() != Some(&text) {
                    tracing::warn!(directory = %watched.directory.display(), error = %text, "cannot watch");
                }
                told = Some(text);
            }
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(watched.every) => {}
        }
    }
}
