#!/usr/bin/env bash
# Offers hostile bytes to every importer, beginning with the reports among the fixtures:
#   tests/fuzz.sh BUILD_DIR TARGET_TRIPLE SECONDS_EACH [FORMAT]
# What makes one fail is left in BUILD_DIR/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1 triple=$2 seconds=$3 only=${4:-}

# The flags by which cargo-fuzz instruments, but for the sanitizers, which stable Rust lacks.
# They reach only what is built for --target.
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
flags+=' -Cllvm-args=-sanitizer-coverage-inline-8bit-counters'
flags+=' -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares'
RUSTFLAGS=$flags CARGO_TARGET_DIR=$build \
	cargo build --locked --package vulnzero-fuzz --profile fuzz --target "$triple"
program=$build/$triple/fuzz/importer

for seeds in tests/fixtures/reports/${only:-*}; do
	format=$(basename "$seeds")
	corpus=$build/corpus/$format
	mkdir -p "$corpus" "$build/artifacts"
	log=$build/$format.log
	if ! FORMAT=$format "$program" "$corpus" "$seeds" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=1024 -max_len=65536 -artifact_prefix="$build/artifacts/$format-" \
		-print_final_stats=1 >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		echo "fuzzing $format failed; see $log" >&2
		exit 1
	fi
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	echo "fuzz $format: $runs inputs"
	# Every fixture is read at least once, or nothing was tried.
	[ "$runs" -gt 0 ]
done
