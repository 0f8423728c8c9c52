#!/usr/bin/env bash
# Holds a running server to its own API description with schemathesis: every check, every
# phase, as administrator, and once more, shorter, as viewer. See schemathesis.toml.
# Usage: schemathesis.sh VULNZERO [SCHEMATHESIS]
set -euo pipefail

vulnzero=$(realpath "${1:?usage: schemathesis.sh VULNZERO [SCHEMATHESIS]}")
schemathesis=${2:-schemathesis}
config=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/schemathesis.toml
work=$(mktemp --directory)
server=

finish() {
    if [[ -n $server ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$work"
}
trap finish EXIT

# Starts a server on a data directory with demo data; sets `url`.
start() {
    "$vulnzero" demo --data "$1" >/dev/null
    : >"$1/out"
    "$vulnzero" serve --data "$1" --listen 127.0.0.1:0 --set log.format=json \
        --set rate_limit.read_per_minute=10000000 \
        --set rate_limit.write_per_minute=10000000 \
        --set rate_limit.auth_per_minute=10000000 >"$1/out" 2>"$1/log" &
    server=$!
    for ((i = 0; i < 200; i++)); do
        url=$(sed -n 's/^VulnZero .* is at //p' "$1/out")
        [[ -z $url ]] || return 0
        sleep 0.1
    done
    cat "$1/log" >&2
    return 1
}

# Stops the server as an administrator would, then verifies what it left.
stop() {
    kill "$server"
    wait "$server"
    server=
    if grep '"level":"ERROR"' "$1/log" >&2; then
        echo "schemathesis: the server logged errors" >&2
        return 1
    fi
    "$vulnzero" check --data "$1" >/dev/null
}

# Runs schemathesis in a folder of its own, with a token and further arguments.
run() {
    local token=$1 data=$2
    shift 2
    "$vulnzero" openapi >"$data/openapi.json"
    (cd "$data" && "$schemathesis" --config-file "$config" --no-color run openapi.json \
        --url "$url" --header "Authorization: Bearer $token" --checks all \
        --generation-deterministic --continue-on-failure "$@") >"$data/report" || {
        cat "$data/report" >&2
        return 1
    }
    sed -n 's/.* generated, \([0-9]* passed\).*/\1/p' "$data/report"
}

# The token of the command line is no record, so no test can revoke it.
start "$work/admin"
passed=$(run "$(<"$work/admin/local.token")" "$work/admin" --max-examples 15)
stop "$work/admin"
echo "as administrator: $passed"

token=$("$vulnzero" token create --role viewer --json --data "$work/viewer" | jq --raw-output .token)
start "$work/viewer"
passed=$(run "$token" "$work/viewer" --max-examples 5 --phases examples,fuzzing,stateful)
stop "$work/viewer"
echo "as viewer: $passed"
