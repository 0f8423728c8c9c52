//! Every limit of the program in one table, each with its reason. Those that a user may
//! want to change are defaults of an `Options` struct and named there too.

/// Largest JSON request body, bytes. A bulk edit of 10,000 ids fits.
pub const JSON_BODY_BYTES: u64 = 2 << 20;
/// Bytes of a form that may be held while the end of a part's head or of a boundary is
/// waited for.
pub const FORM_HELD_BYTES: u64 = 256 << 10;
/// Largest report as sent (compressed or not), bytes; default of `import.max_upload_bytes`.
pub const UPLOAD_BYTES: u64 = 512 << 20;
/// Largest report after decompression, bytes; default of `import.max_report_bytes`.
/// A bomb is stopped here, not by memory.
pub const REPORT_BYTES: u64 = 4 << 30;
/// Deepest nesting of an imported document; `serde_json` has the same number.
pub const REPORT_DEPTH: usize = 128;
/// Most findings in one report; default of `import.max_findings`.
pub const REPORT_FINDINGS: u64 = 5_000_000;
/// Longest single text inside an imported document, bytes; a parser must hold it whole
/// before it can be cut.
pub const REPORT_STRING_BYTES: usize = 16 << 20;
/// Longest single entry (a finding, a package with its findings) of an imported document,
/// bytes; a parser holds it whole.
pub const REPORT_ENTRY_BYTES: usize = 64 << 20;
/// Most scan results (targets) in one report: facts about each are kept for the whole import.
pub const REPORT_RESULTS: usize = 100_000;
/// Bytes that those facts may take together.
pub const REPORT_FACTS_BYTES: usize = 64 << 20;
/// Most products and components that one VEX statement names; further ones are stated apart,
/// so that a statement is a record of bounded size.
pub const STATEMENT_PRODUCTS: usize = 1000;
/// Largest zstd window of a report as a power of two (32 MiB): the decoder allocates it
/// because the sender says so. `zstd -19` needs 8 MiB, `--ultra -20` 32 MiB.
pub const ZSTD_WINDOW_LOG: u32 = 25;
/// Longest text kept of one field of a report, bytes; longer text is cut at a character.
pub const TEXT_BYTES: usize = 16 << 10;
/// Longest name, path, version or other identifying text, bytes; longer is an error.
pub const NAME_BYTES: usize = 1024;
/// Most values kept of a list in a report (references, aliases, CWEs).
pub const LIST_VALUES: usize = 200;
/// Most rows on a page.
pub const PAGE_SIZE_MAX: u64 = 1000;
/// Rows on a page when the request does not say.
pub const PAGE_SIZE: u64 = 50;
/// Furthest row that page/page_size may reach; beyond, use the cursor (each skipped row
/// costs about 80 ns).
pub const OFFSET_MAX: u64 = 100_000;
/// Most ids in one batch request.
pub const BATCH_IDS: usize = 10_000;
/// Rows read or written per step of a batch, so that no transaction grows without bound.
pub const BATCH_CHUNK: usize = 100;
/// Most words of one search.
pub const SEARCH_WORDS: usize = 100;
/// Most values of one filter.
pub const FILTER_VALUES: usize = 1000;
/// Index entries that one filter may read to find its rows (text search, time ranges).
pub const SCAN_KEYS: usize = 2_000_000;
/// Distinct values that one facet returns.
pub const FACET_VALUES: usize = 1000;
/// Most records that are sorted in memory when no index has the order.
pub const SORT_ROWS: u64 = 20_000;
/// Transactions that one commit may gather.
pub const GROUP_COMMIT: usize = 512;
/// Writes that may wait for the writer before callers are refused.
pub const WRITE_QUEUE: usize = 4096;
/// Longest password, bytes; argon2 reads it whole.
pub const PASSWORD_BYTES: usize = 256;
/// Shortest password, characters (NIST SP 800-63B §5.1.1.2 asks for at least 8).
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Password hashes computed at once: each takes 19 MiB.
pub const PASSWORD_HASHES: usize = 2;
/// Exports that run at once: each holds a snapshot and a blocking thread.
pub const EXPORTS: usize = 4;
/// Longest time that one export may take, seconds. Its snapshot keeps the database from
/// using freed pages again, so a client that reads slowly must not hold it for hours.
pub const EXPORT_SECONDS: u64 = 600;
/// Bytes of an export that are sent in one piece.
pub const EXPORT_PIECE_BYTES: usize = 64 << 10;
/// Pieces of an export that wait for the client.
pub const EXPORT_PIECES: usize = 4;
