//! Databases of rpm, as rpm, SQLite and Berkeley DB themselves wrote them.

use std::io::Write as _;

use super::*;

const SQLITE: &[u8] = include_bytes!("../../../../tests/fixtures/inventory/rpm/rpmdb.sqlite.zst");
const LOG: &[u8] = include_bytes!("../../../../tests/fixtures/inventory/rpm/rpmdb.sqlite-wal.zst");
const BERKELEY: &[u8] = include_bytes!("../../../../tests/fixtures/inventory/rpm/Packages.zst");

const ALPHA: &str = "alpha\t2\t1.0\t3.el9\tx86_64\talpha-1.0-3.el9.src.rpm";
const BETA: &str = "beta-libs\t(none)\t7.4.2\t1\tnoarch\tbeta-libs-7.4.2-1.src.rpm";
const GAMMA: &str = "gamma\t(none)\t0.1\t1\tx86_64\tgamma-0.1-1.src.rpm";

/// A file with this content.
fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).unwrap()
}

/// The headers that a reader hands over.
fn blobs(read: impl FnOnce(&mut Each<'_>) -> io::Result<()>) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    read(&mut |blob| {
        found.push(blob.to_vec());
        Ok(())
    })?;
    Ok(found)
}

fn lines(blobs: &[Vec<u8>]) -> Vec<String> {
    let mut lines: Vec<_> = blobs.iter().map(|blob| header::line(blob).unwrap()).collect();
    lines.sort();
    lines
}

fn sqlite(bytes: &[u8], log: Option<&[u8]>) -> io::Result<Vec<Vec<u8>>> {
    let log = log.map(file);
    blobs(|each| sqlite::rows(&file(bytes), log.as_ref(), "Packages", each))
}

fn berkeley(bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    blobs(|each| bdb::values(&file(bytes), each))
}

/// An `ndb` database, as rpm's sources describe it (`lib/backend/ndb/rpmpkg.c`).
fn ndb_of(headers: &[Vec<u8>]) -> Vec<u8> {
    let number = |n: usize| (n as u32).to_le_bytes();
    let mut file = vec![0; 4096];
    file[..4].copy_from_slice(b"RpmP");
    file[12..16].copy_from_slice(&number(1));
    for slot in file[32..].chunks_exact_mut(16) {
        slot[..4].copy_from_slice(b"Slot");
    }
    for (n, header) in headers.iter().enumerate() {
        let block = file.len() / 16;
        let at = 32 + n * 16;
        for (place, value) in [(4, n + 1), (8, block), (12, header.len() / 16 + 3)] {
            file[at + place..at + place + 4].copy_from_slice(&number(value));
        }
        file.extend(
            [b"BlbS".as_slice(), &number(n + 1), &number(0), &number(header.len())].concat(),
        );
        file.extend(header);
        let padded = file.len().next_multiple_of(16);
        file.resize(padded, 0);
    }
    file
}

#[test]
fn every_kind_of_database_gives_the_same_packages() {
    let (database, log) = (unpacked(SQLITE), unpacked(LOG));
    let all = sqlite(&database, Some(&log)).unwrap();
    assert_eq!(lines(&all), [ALPHA, BETA, GAMMA]);
    assert!(all.iter().any(|blob| blob.len() > 8192), "one needs pages of its own");
    assert_eq!(lines(&sqlite(&database, None).unwrap()), [ALPHA, BETA], "without the log");
    assert_eq!(lines(&berkeley(&unpacked(BERKELEY)).unwrap()), [ALPHA, BETA, GAMMA]);
    let ndb = ndb_of(&all);
    assert_eq!(lines(&blobs(|each| ndb::blobs(&file(&ndb), each)).unwrap()), [ALPHA, BETA, GAMMA]);
}

#[test]
fn a_log_that_is_cut_or_foreign_counts_as_far_as_it_was_committed() {
    let (database, log) = (unpacked(SQLITE), unpacked(LOG));
    let mut foreign = log.clone();
    foreign[16] ^= 1;
    let mut damaged = log.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for log in [&log[..log.len() - 1], &foreign, &damaged, &log[..40], b""] {
        assert_eq!(lines(&sqlite(&database, Some(log)).unwrap()), [ALPHA, BETA]);
    }
}

#[test]
fn damaged_databases_are_errors_and_never_more() {
    let (database, old) = (unpacked(SQLITE), unpacked(BERKELEY));
    let ndb = ndb_of(&sqlite(&database, None).unwrap());
    let read = |kind: usize, bytes: &[u8]| match kind {
        0 => sqlite(bytes, None),
        1 => berkeley(bytes),
        _ => blobs(|each| ndb::blobs(&file(bytes), each)),
    };
    for (kind, whole) in [&database, &old, &ndb].into_iter().enumerate() {
        for cut in [0, 10, 100, 600, 5000] {
            assert!(read(kind, &whole[..cut]).is_err(), "{kind} cut at {cut}");
        }
        // Whatever a byte is changed to: an error, or other packages, but an end.
        for at in (0..whole.len()).step_by(97) {
            for value in [0, 0x0d, 0xff] {
                let mut other = whole.clone();
                other[at] = value;
                if let Ok(blobs) = read(kind, &other) {
                    for blob in blobs {
                        let _ = header::line(&blob);
                    }
                }
            }
        }
    }
    assert!(header::line(&[0xff; 64]).is_err() && header::line(b"").is_err());
}
