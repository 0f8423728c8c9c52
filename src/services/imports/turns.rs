//! Work on the same asset takes turns, so that two imports of it come out as if one had
//! been done after the other. Imports of different assets run side by side.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use twox_hash::XxHash3_128;

use crate::base::Result;
use crate::base::id::Id;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::AssetObservation;
use crate::services::identity;
use crate::store::Read;

/// How long a wait lasts before it is asked whether to go on waiting.
const LOOK: Duration = Duration::from_millis(500);

/// What somebody works on.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    /// These assets.
    Assets(Assets),
    /// Anything: nobody else works meanwhile.
    Everything,
}

impl Scope {
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Assets(a), Self::Assets(b)) => !a.0.is_disjoint(&b.0),
            (Self::Everything, _) | (_, Self::Everything) => true,
        }
    }
}

/// Assets by everything that they may be known by, hashed: a report does not say which
/// asset it will find, and another may know the same one by another name.
#[derive(Debug, Clone, Default)]
pub(super) struct Assets(HashSet<u64>);

impl Assets {
    /// An asset that is known.
    pub(super) fn known(&mut self, id: Id) {
        self.0.insert(id);
    }

    /// An asset as a report describes it.
    pub(super) fn described<S: Read + ?Sized>(
        &mut self,
        source: &S,
        asset: &AssetObservation,
    ) -> Result<()> {
        if let Some(known) = identity::by_key(source, &asset.asset_id)? {
            self.known(known);
        }
        let name = Identifier { kind: IdentifierKind::Name, value: asset.asset_id.clone() };
        for name in asset.names().iter().chain([&name]) {
            // Ids are small, so that a hash is none of them.
            let hash = XxHash3_128::oneshot(name.key().as_bytes()) as u64;
            self.0.insert(hash | 1 << 63);
            for id in identity::ids_of(source, name)? {
                self.known(id);
            }
        }
        Ok(())
    }
}

impl FromIterator<Id> for Assets {
    fn from_iter<I: IntoIterator<Item = Id>>(ids: I) -> Self {
        Self(ids.into_iter().collect())
    }
}

/// Who works on what, and who waits for that, in the order in which they came.
#[derive(Default)]
pub(in crate::services) struct Turns {
    line: Mutex<Line>,
    moved: Condvar,
}

#[derive(Default)]
struct Line {
    next: u64,
    waiting: Vec<(u64, Scope)>,
}

impl Line {
    /// Nobody who came earlier works on the same.
    fn may_go(&self, ticket: u64) -> bool {
        let Some(at) = self.waiting.iter().position(|(t, _)| *t == ticket) else { return true };
        let scope = &self.waiting[at].1;
        !self.waiting[..at].iter().any(|(_, earlier)| earlier.meets(scope))
    }
}

impl Turns {
    /// Waits until nobody who came earlier works on anything of `scope`; blocks. While it
    /// waits, `go_on` is asked from time to time; its error gives up.
    pub(super) fn take(
        &self,
        scope: Scope,
        mut go_on: impl FnMut() -> Result<()>,
    ) -> Result<Turn<'_>> {
        let mut line = self.line();
        let ticket = line.next;
        line.next += 1;
        line.waiting.push((ticket, scope));
        let turn = Turn { turns: self, ticket };
        while !line.may_go(ticket) {
            let waited = self.moved.wait_timeout(line, LOOK);
            let (still, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() {
                drop(still);
                go_on()?;
                line = self.line();
            } else {
                line = still;
            }
        }
        drop(line);
        Ok(turn)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line; dropping it lets the next one go.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    ticket: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.line().waiting.retain(|(ticket, _)| *ticket != self.ticket);
        self.turns.moved.notify_all();
    }
}
