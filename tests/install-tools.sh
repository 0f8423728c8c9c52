#!/usr/bin/env bash
# Installs what `make test` needs and this machine does not have. It expects Rust with
# clippy and rustfmt, Node.js with npm, Python 3, and apt for the rest.
# Usage: install-tools.sh TARGET_DIR
set -euo pipefail

target=${1:?usage: install-tools.sh TARGET_DIR}
cargo_deny=0.20.2
schemathesis=4.32.5

has() {
    command -v "$1" >/dev/null
}

for tool in cargo node npm python3; do
    has "$tool" || {
        echo "install-tools: $tool is missing; see packaging/README.md" >&2
        exit 1
    }
done

packages=()
has jq || packages+=(jq)
has file || packages+=(file)
has shellcheck || packages+=(shellcheck)
[[ -x ${CHROMIUM_PATH:-/usr/bin/chromium} ]] || packages+=(chromium fonts-liberation)
if ((${#packages[@]} > 0)); then
    sudo=()
    [[ $(id --user) -eq 0 ]] || sudo=(sudo)
    "${sudo[@]}" apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install --yes --quiet=2 \
        --no-install-recommends "${packages[@]}" >/dev/null
fi

if [[ $(cargo deny --version 2>/dev/null) != "cargo-deny $cargo_deny" ]]; then
    # Its own target folder: the project's would be rebuilt with other flags.
    CARGO_TARGET_DIR=$target/tools cargo install --quiet --locked cargo-deny \
        --version "$cargo_deny"
    rm -rf "$target/tools"
fi

venv=$target/venv
if [[ $("$venv/bin/schemathesis" --version 2>/dev/null) != *" $schemathesis" ]]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$schemathesis"
fi
