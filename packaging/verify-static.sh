#!/usr/bin/env bash
# Proves that an executable needs nothing from the machine it runs on: no loader, no
# libraries, and it starts in a folder that holds only itself.
# Usage: verify-static.sh EXECUTABLE [MAX_MIB]
set -euo pipefail

binary=${1:?usage: verify-static.sh EXECUTABLE [MAX_MIB]}
max_mib=${2:-40}

fail() {
    echo "verify-static: $binary: $*" >&2
    exit 1
}

[[ -f $binary && -x $binary ]] || fail "there is no such executable"

kind=$(file --brief --dereference "$binary")
case $kind in
*"statically linked"* | *"static-pie linked"*) ;;
*) fail "not static: $kind" ;;
esac
[[ $kind != *interpreter* ]] || fail "it asks for a loader: $kind"

# ldd fails for a plain static executable and says so for a static-pie one.
libraries=$(ldd "$binary" 2>&1 || true)
case $libraries in
*"statically linked"* | *"not a dynamic executable"*) ;;
*) fail "it needs libraries: $libraries" ;;
esac

bytes=$(stat --format=%s --dereference "$binary")
((bytes <= max_mib * 1024 * 1024)) || fail "$bytes bytes are more than $max_mib MiB"

root=$(mktemp --directory)
trap 'rm -rf "$root"' EXIT
cp "$binary" "$root/vulnzero"
if [[ $(id --user) -eq 0 ]]; then
    empty=(chroot "$root")
else
    empty=(unshare --user --map-root-user --root="$root")
fi
version=$(env --ignore-environment "$(type -P "${empty[0]}")" "${empty[@]:1}" /vulnzero --version) ||
    fail "it does not start in an empty root"
[[ $version =~ ^vulnzero\ [0-9]+\.[0-9]+\.[0-9]+ ]] || fail "it says '$version', not its version"

printf 'verify-static: %s: static, %d.%02d MiB, starts in an empty root: %s\n' \
    "$binary" $((bytes / 1048576)) $((bytes % 1048576 * 100 / 1048576)) "$version"
