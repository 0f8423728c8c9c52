//! What Nessus's files become.

mod rules;

use super::Nessus;
use crate::adapters::importers::testing::{counts_agree, snapshots};

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&Nessus);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&Nessus, &[]);
}
