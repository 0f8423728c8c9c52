//! What OpenVAS's files become.

mod rules;

use super::OpenVas;
use crate::adapters::importers::testing::{counts_agree, snapshots};

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&OpenVas);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&OpenVas, &[]);
}
