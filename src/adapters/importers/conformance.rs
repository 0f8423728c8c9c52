//! What every importer must do, tested over [`ALL`].

use std::collections::BTreeSet;
use std::io::Write;

use proptest::prelude::*;
use serde_json::Value;

use super::input::Limits;
use super::testing::{files, gzip, import, import_within, reports, zstd};
use super::{ALL, Importer, Report, Syntax, choose};
use crate::base::{Code, Error};
use crate::domain::observation::Observation;

#[test]
fn each_recognises_its_own_example_only() {
    for importer in ALL {
        assert!(importer.recognises(importer.example()), "{}", importer.name());
        assert!(importer.recognises(&importer.example()[..512]), "{}: 512 bytes", importer.name());
        let with_mark = [b"\xef\xbb\xbf \n", importer.example()].concat();
        assert!(importer.recognises(&with_mark), "{}: byte order mark", importer.name());
        for other in ALL.iter().filter(|other| other.name() != importer.name()) {
            assert!(!importer.recognises(other.example()), "{} {}", importer.name(), other.name());
        }
        for foreign in ["", "{}", "[]", "[{}]", "null", "{\"results\":[]}", "<a/>", "\0\0", "a,b\n"]
        {
            assert!(!importer.recognises(foreign.as_bytes()), "{} {foreign}", importer.name());
        }
    }
}

#[test]
fn formats_are_chosen_by_name_or_by_content() {
    for importer in ALL {
        assert_eq!(choose("auto", importer.example()).unwrap().name(), importer.name());
        assert_eq!(choose(importer.name(), b"").unwrap().name(), importer.name());
    }
    assert_eq!(choose("auto", b"{}").err().unwrap().code(), Code::BadReport);
    assert_eq!(choose("no-such", b"{}").err().unwrap().code(), Code::Invalid);
}

#[test]
fn real_reports_of_other_scanners_are_not_taken() {
    let Some(folder) = reports() else { return };
    let mut taken = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let format = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for file in files(&folder).iter().filter(|f| f.extension().is_some_and(|e| e != "md")) {
            let head = Report::new(file, Limits::default()).head(64 << 10).unwrap();
            // An empty file may be of any format; it is read if somebody says which.
            let is_empty = head.is_empty();
            for importer in ALL {
                let expected = format == importer.name() && !is_empty;
                assert_eq!(importer.recognises(&head), expected, "{}", file.display());
                taken += usize::from(expected);
            }
        }
    }
    println!("{taken} reports recognised");
}

#[test]
fn examples_begin_with_the_report_and_findings_follow_assets() {
    for importer in ALL {
        let observations = import(*importer, importer.example()).unwrap();
        assert!(matches!(observations[0], Observation::Report(_)), "{}", importer.name());
        let first = |wanted: fn(&Observation) -> bool| observations.iter().position(wanted);
        let on_asset = first(|o| {
            matches!(
                o,
                Observation::Finding(_) | Observation::Component(_) | Observation::Service(_)
            )
        });
        if let Some(on_asset) = on_asset {
            let asset = first(|o| matches!(o, Observation::Asset(_))).unwrap();
            assert!(asset < on_asset, "{}", importer.name());
        }
        assert!(observations.len() > 1, "{}: the example says nothing", importer.name());
        let heads = observations.iter().filter(|o| matches!(o, Observation::Report(_))).count();
        assert_eq!(heads, 1, "{}", importer.name());
    }
}

/// The importers of formats in which a file is one document, so that its end is known.
fn documents() -> impl Iterator<Item = &'static dyn Importer> {
    let one = |syntax| matches!(syntax, Syntax::Json | Syntax::Xml);
    ALL.iter().copied().filter(move |importer| one(importer.syntax()))
}

#[test]
fn a_truncated_report_is_an_error() {
    for importer in documents() {
        let whole = importer.example().trim_ascii_end();
        for end in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
            let error = import(importer, &whole[..end]).unwrap_err();
            assert_eq!(error.code(), Code::BadReport, "{} {end}: {error}", importer.name());
        }
    }
}

#[test]
fn truncated_compression_is_an_error() {
    for importer in ALL {
        for packed in [gzip(importer.example()), zstd(importer.example())] {
            for end in (4..packed.len()).step_by(97).chain([packed.len() - 1]) {
                let error = import(*importer, &packed[..end]).unwrap_err();
                assert_eq!(error.code(), Code::BadReport, "{} {end}: {error}", importer.name());
            }
        }
    }
}

#[test]
fn compressed_reports_say_the_same() {
    for importer in ALL {
        let example = importer.example();
        let plain = import(*importer, example).unwrap();
        let (first, second) = example.split_at(example.len() / 3);
        let skippable = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice(), &zstd(example)].concat();
        for packed in [
            gzip(example),
            [gzip(first), gzip(second)].concat(),
            zstd(example),
            [zstd(first), zstd(second)].concat(),
            skippable,
            [b"\xef\xbb\xbf", example].concat(),
            gzip(&[b"\xef\xbb\xbf", example].concat()),
        ] {
            assert_eq!(import(*importer, &packed).unwrap(), plain, "{}", importer.name());
        }
    }
}

#[test]
fn bombs_stop_at_the_limit() {
    const SIZE: usize = 32 << 20;
    let limits = Limits { report_bytes: 1 << 20, ..Limits::default() };
    let blank = vec![b' '; SIZE];
    for importer in ALL {
        for bomb in [gzip(&blank), zstd(&blank[..]), blank.clone()] {
            let error = import_within(*importer, &bomb, limits).unwrap_err();
            // XML and tables are refused sooner: nothing like them is near the beginning.
            let early = matches!(importer.syntax(), Syntax::Xml | Syntax::Table);
            let refused =
                error.code() == Code::TooLarge || early && error.code() == Code::BadReport;
            assert!(refused, "{}: {error}", importer.name());
        }
        for bomb in [gzip(&vec![0; SIZE]), zstd(&vec![0; SIZE][..])] {
            assert!(import_within(*importer, &bomb, limits).is_err(), "{}", importer.name());
        }
        let exact = importer.example();
        let fits = Limits { report_bytes: exact.len() as u64, ..Limits::default() };
        import_within(*importer, exact, fits).unwrap();
        let short = Limits { report_bytes: exact.len() as u64 - 1, ..Limits::default() };
        let error = import_within(*importer, exact, short).unwrap_err();
        assert_eq!(error.code(), Code::TooLarge, "{}: {error}", importer.name());
    }
}

#[test]
fn large_zstd_windows_are_refused() {
    let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
    writer.window_log(27).unwrap();
    writer.write_all(&vec![b' '; 1 << 20]).unwrap();
    let packed = writer.finish().unwrap();
    let error = import(ALL[0], &packed).unwrap_err();
    assert!(error.to_string().contains("zstd window of more than 32 MiB"), "{error}");
}

#[test]
fn depth_bombs_are_refused() {
    for importer in documents() {
        for level in ["[", "{\"x\":", "{\"Results\":[", "[{\"Metadata\":", "<a>"] {
            let error = import(importer, level.repeat(200_000).as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::BadReport, "{}: {error}", importer.name());
        }
    }
}

#[test]
fn what_follows_the_document_is_an_error() {
    for importer in documents() {
        for rest in ["x", "{}", "<a/>", "\0"] {
            let error = import(importer, &[importer.example(), rest.as_bytes()].concat());
            assert_eq!(error.unwrap_err().code(), Code::BadReport, "{} {rest}", importer.name());
        }
        import(importer, &[importer.example(), b" \n\t\r\n"].concat()).unwrap();
    }
}

#[test]
fn the_number_of_findings_is_limited() {
    for importer in ALL {
        let limits = Limits { findings: 1, ..Limits::default() };
        let error = import_within(*importer, importer.example(), limits).unwrap_err();
        assert_eq!(error.code(), Code::TooLarge, "{}: {error}", importer.name());
    }
}

#[test]
fn an_error_of_the_sink_ends_the_import() {
    for importer in ALL {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(importer.example()).unwrap();
        let report = Report::new(file.path(), Limits::default());
        for stop_at in 0..4 {
            let mut count = 0;
            let result = importer.import(&report, &mut |_| {
                count += 1;
                if count > stop_at { Err(Error::new(Code::ReadOnly, "")) } else { Ok(()) }
            });
            assert_eq!(result.unwrap_err().code(), Code::ReadOnly, "{}", importer.name());
            assert_eq!(count, stop_at + 1, "{}: called again", importer.name());
        }
    }
}

#[test]
fn progress_reaches_the_end_of_the_file() {
    for importer in ALL {
        let packed = gzip(importer.example());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&packed).unwrap();
        let report = Report::new(file.path(), Limits::default());
        importer.import(&report, &mut |_| Ok(())).unwrap();
        assert_eq!(report.bytes_read(), packed.len() as u64, "{}", importer.name());
    }
}

/// Every key that occurs in the JSON examples.
fn keys() -> Vec<String> {
    fn collect(value: &Value, keys: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                keys.insert(key.clone());
                collect(value, keys);
            }),
            Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
            _ => {}
        }
    }
    let mut keys = BTreeSet::from(["ClusterName", "Resources", "Secrets"].map(str::to_owned));
    for importer in ALL {
        if let Ok(example) = serde_json::from_slice(importer.example()) {
            collect(&example, &mut keys);
        }
    }
    keys.into_iter().collect()
}

/// Where the values of a document are.
fn pointers(value: &Value, at: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointers(value, format!("{at}/{key}"), paths);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| {
            pointers(value, format!("{at}/{index}"), paths);
        }),
        _ => {}
    }
    paths.push(at);
}

/// JSON made of the keys that importers look at.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "CVE-20[0-9]{2}-[0-9]{4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let key = proptest::sample::select(keys());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..8)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(value in any_json()) {
        let bytes = serde_json::to_vec(&value).unwrap();
        for importer in ALL {
            importer.recognises(&bytes);
            let _ = import(*importer, &bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for importer in ALL {
            importer.recognises(&bytes);
            let _ = import(*importer, &bytes);
        }
    }

    /// A value in a real report is something else: an error of the report, or nothing.
    #[test]
    fn strange_values_never_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let importer = which.get(ALL);
        if let Ok(mut example) = serde_json::from_slice::<Value>(importer.example()) {
            let mut paths = Vec::new();
            pointers(&example, String::new(), &mut paths);
            let path = at.get(&paths);
            *example.pointer_mut(path).expect("it was found there") = value;
            if let Err(error) = import(*importer, &serde_json::to_vec(&example).unwrap()) {
                prop_assert_eq!(error.code(), Code::BadReport, "{} {}", importer.name(), path);
            }
        }
    }

    /// Changes in the middle of a real report: mostly errors, never panics.
    #[test]
    fn damaged_examples_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for importer in ALL {
            let mut bytes = importer.example().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            importer.recognises(&bytes);
            let _ = import(*importer, &bytes);
        }
    }
}
