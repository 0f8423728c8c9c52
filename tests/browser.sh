#!/usr/bin/env bash
# Runs the dashboard's stories (web/e2e) in headless Chromium against a fresh server.
# Usage: browser.sh VULNZERO [SCREENSHOTS]
set -euo pipefail

binary=${1:?usage: browser.sh VULNZERO [SCREENSHOTS]}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp --directory)
server=

finish() {
    [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# Headless browsers are faster than people: the limits are not what is tested here.
"$binary" serve --data "$work/data" --listen 127.0.0.1:0 --set log.level=warn \
    --set rate_limit.read_per_minute=1000000 --set rate_limit.write_per_minute=1000000 \
    --set rate_limit.auth_per_minute=1000 >"$work/out" 2>"$work/log" &
server=$!
for _ in $(seq 100); do
    grep -q '^Make the first account at ' "$work/out" && break
    kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done

SETUP_URL=$(sed -n 's/^Make the first account at //p' "$work/out")
BASE_URL=$(sed -n 's/^VulnZero .* is at //p' "$work/out")
export SETUP_URL BASE_URL SCREENSHOTS=${2:-}
cd "$root/web"
npm run --silent e2e
"$binary" check --data "$work/data"
