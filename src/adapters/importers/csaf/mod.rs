//! CSAF documents (Common Security Advisory Framework), version 2.0, also what 2.1 writes in
//! the same places: exploitability documents (VEX) and security advisories of vendors.
//!
//! Two passes, because vulnerabilities refer to products that may stand after them: the
//! first ([`head`]) takes the product tree.
//!
//! What things become:
//!
//! - **Statement**: of each vulnerability, for all products that it says the same about:
//!   `known_affected`, `first_affected`, `last_affected` → affected; `known_not_affected` →
//!   not affected; `fixed`, `first_fixed` → fixed; `under_investigation`. What is only
//!   `recommended` is no statement. Statements about very many products come in parts.
//! - **Product**: by its relationship, a component in a product (over several steps:
//!   package, module, platform); else by itself. Name and version are those of the branches
//!   that it stands in, else its full name; package URL, CPE and digests of its helper.
//! - **Justification**: the product's flag. **Impact**: the `impact` threat of what is not
//!   affected, unless it is a mere severity. **Action**: the product's remediations.
//! - **Vulnerability**: `cve`, else the first of `ids` that is no mere number; other ids of
//!   vulnerability databases are aliases. The document's own id is none: an advisory is about
//!   several. CVSS by the publisher (the name in its web address), of several scores of one
//!   version the highest. Known exploited if a threat refers to CISA's catalogue.
//! - **Advisory**: a vulnerability without any product's status.
//! - **Skipped**: vulnerabilities without an id, and products that the tree does not have
//!   (unidentified; one skip for each vulnerability).

mod head;
mod model;
mod products;
#[cfg(test)]
mod tests;
mod translate;

use self::model::Vulnerability;
use super::emit::Emitter;
use super::entries;
use super::peek::Keys;
use super::{Importer, Report, Sink};
use crate::base::Result;
use crate::domain::observation::SkipReason;

/// CSAF.
pub struct Csaf;

impl Importer for Csaf {
    fn name(&self) -> &'static str {
        "csaf"
    }

    fn title(&self) -> &'static str {
        "CSAF (version 2.0: VEX, security advisory)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let names_itself = keys.has(1, "document")
            && (keys.has(2, "csaf_version") || keys.has_all(2, &["publisher", "tracking"]));
        let has_tree = keys.has(1, "product_tree")
            && (keys.has(2, "branches") || keys.has(2, "relationships"));
        let has_status = keys.has(1, "vulnerabilities") && keys.has(3, "product_status");
        keys.is_object() && (names_itself || has_tree || has_status)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head = head::read(report)?;
        let mut emitter = Emitter::begin(report, sink, head.document.info())?;
        entries::each(report, &["vulnerabilities"], &mut |place, entry: Vulnerability| {
            let Some(vulnerability) = translate::vulnerability(&entry, &head.document) else {
                return emitter.skip(SkipReason::Unidentified, place);
            };
            let groups = translate::groups(&entry, &head.products);
            if groups.is_empty() {
                return emitter.advisory(vulnerability);
            }
            let mut unknown = 0;
            for group in groups {
                unknown += group.statements(&head.products, &vulnerability, &mut |statement| {
                    emitter.statement(statement)
                })?;
            }
            if unknown > 0 {
                emitter.skip(SkipReason::Unidentified, format!("{place}.product_status"))?;
            }
            Ok(())
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/csaf/dd-csaf_many_vuln.json")
    }
}
