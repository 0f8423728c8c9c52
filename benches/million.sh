#!/usr/bin/env bash
# A million findings on a thousand hosts in one stream, twice:
#   benches/million.sh EXECUTABLE [FINDINGS]
# Prints rates, memory and progress, and fails if memory goes beyond 250 MiB, if the second
# import brings anything new, or if it is not faster than the first.
set -euo pipefail
program=$1 findings=${2:-1000000} hosts=1000
limit_kib=$((250 * 1024))
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

awk -v n="$findings" -v hosts="$hosts" 'BEGIN {
	print "asset,vulnerability,severity,package,installed_version,fixed_version,ecosystem,title"
	split("critical high medium low", severity, " ")
	per = n / hosts
	for (host = 1; host <= hosts; host++)
		for (i = 0; i < per; i++) {
			# Every host has another part of 20,000 vulnerabilities.
			v = (host * 37 + i * 19) % 20000
			printf "host-%04d.example.org,CVE-2024-%05d,%s,package-%d,1.%d.%d,1.%d.%d,deb,A flaw in package %d lets a local user read what is not theirs\n",
				host, 10000 + v, severity[v % 4 + 1], v % 3000, v % 9, i % 7, v % 9, i % 7 + 1, v % 3000
		}
}' >"$dir/report.csv"
echo "report: $(($(stat -c %s "$dir/report.csv") >> 20)) MiB, $findings findings on $hosts hosts"

"$program" serve --data "$dir/data" --listen 127.0.0.1:0 --set log.level=info >"$dir/log" 2>&1 &
server=$!
# Only then: a command before that would take the database for itself.
until grep -q listening "$dir/log"; do
	kill -0 "$server" || { cat "$dir/log" >&2 && exit 1; }
	sleep 0.1
done

memory() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$server/status"; }
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p" "$dir/import.json" | head -n 1; }
# Imports the report and waits; the last answer is left in import.json, the time in `took`.
take() {
	local began id
	began=$(date +%s%N)
	"$program" import --data "$dir/data" --json --no-wait "$dir/report.csv" >"$dir/import.json"
	id=$(field id)
	until case $(field status) in completed | quarantined | failed) true ;; *) false ;; esac do
		sleep 5
		"$program" show imports "$id" --data "$dir/data" --json >"$dir/import.json"
		echo "  $(field status) $(field progress), $(field applied) applied, $(($(memory VmRSS) >> 10)) MiB"
	done
	took=$((($(date +%s%N) - began) / 1000000))
	echo "  $(field new) new, $(field seen) seen, $(field closed) closed, $(field skipped) skipped:" \
		"${took} ms, $((findings * 1000 / took)) findings/s, at most $(($(memory VmHWM) >> 10)) MiB"
}

echo "first:"
take
first=$took
[ "$(field new)" -eq "$findings" ]
echo "again:"
take
[ "$(field new)" -eq 0 ] && [ "$(field seen)" -eq "$findings" ] && [ "$(field closed)" -eq 0 ]
[ "$took" -lt "$first" ] || {
	echo "the second import was not faster" >&2
	exit 1
}
[ "$(memory VmHWM)" -lt "$limit_kib" ] || {
	echo "memory went beyond 250 MiB" >&2
	exit 1
}
kill "$server" && wait "$server"
server=
du -m "$dir/data/vulnzero.redb" | sed 's/\t.*/ MiB in the database/'
"$program" check --data "$dir/data"
