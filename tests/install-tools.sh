#!/usr/bin/env bash
# Installs what a build (`build`) or everything that `make test` does (`all`) needs and this
# machine does not have. It expects Rust with clippy and rustfmt, Node.js with npm, and apt
# for the rest.
# Usage: install-tools.sh build|all TARGET_DIR
set -euo pipefail

what=${1:?usage: install-tools.sh build|all TARGET_DIR}
target=${2:?usage: install-tools.sh build|all TARGET_DIR}
cargo_deny=0.20.2
schemathesis=4.32.5

has() {
    command -v "$1" >/dev/null
}

for tool in cargo node npm; do
    has "$tool" || {
        echo "install-tools: $tool is missing; see packaging/README.md" >&2
        exit 1
    }
done

packages=()
has cc || packages+=(gcc libc6-dev)
if [[ $what == all ]]; then
    has jq || packages+=(jq)
    has file || packages+=(file)
    has shellcheck || packages+=(shellcheck)
    has python3 || packages+=(python3 python3-venv)
    [[ -x ${CHROMIUM_PATH:-/usr/bin/chromium} ]] || packages+=(chromium fonts-liberation)
fi
if ((${#packages[@]} > 0)); then
    sudo=()
    [[ $(id --user) -eq 0 ]] || sudo=(sudo)
    "${sudo[@]}" apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install --yes --quiet=2 \
        --no-install-recommends "${packages[@]}" >/dev/null
fi

[[ $what == all ]] || exit 0

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
