//! Any bytes for the importer that `FORMAT` names: it may refuse them, but it must not
//! panic, hang, fill the memory, or take the blame on itself.

#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vulnzero::adapters::importers::input::Limits;
use vulnzero::adapters::importers::{self, Importer, Report};
use vulnzero::domain::observation::Observation;

static IMPORTER: LazyLock<&'static dyn Importer> = LazyLock::new(|| {
    let name = std::env::var("FORMAT").expect("FORMAT names an importer");
    importers::choose(&name, &[]).expect("FORMAT names an importer")
});

/// What was seen of a report.
#[derive(Default)]
struct Seen {
    heads: u64,
    assets: u64,
}

fn look(seen: &mut Seen, observation: &Observation) {
    match observation {
        Observation::Report(_) => seen.heads += 1,
        Observation::Asset(_) => seen.assets += 1,
        Observation::Finding(_) | Observation::Component(_) | Observation::Service(_) => {
            assert!(seen.assets > 0, "something on an asset before it");
        }
        Observation::Advisory(_) | Observation::Statement(_) | Observation::Skipped(_) => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Any file may be offered to any importer by its content.
    let recognised = importers::choose("auto", bytes);
    if let Err(e) = &recognised {
        assert!(e.code().status() < 500, "{e}");
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("written");
    let limits = Limits { report_bytes: 4 << 20, findings: 10_000 };
    let mut seen = Seen::default();
    let read = IMPORTER.import(&Report::new(file.path(), limits), &mut |observation| {
        look(&mut seen, &observation);
        Ok(())
    });
    match read {
        Ok(()) => assert_eq!(seen.heads, 1, "a report says once what it is"),
        Err(e) => assert!(e.code().status() < 500, "{e}"),
    }
});
