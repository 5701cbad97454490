#!/bin/sh
# The minutes of `make test` in a clean clone of the commit that is checked out, and again after a change in the crate
# that all others are built on. Prints both.
set -eu
folder=$(pwd)/out/bench/minutes
log=out/bench/test.log
rm -rf "$folder"
mkdir -p out/bench
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' HUP INT TERM
git clone --quiet . "$folder"

# The network is not what is measured.
"${CARGO:-cargo}" fetch --quiet --locked --manifest-path "$folder/Cargo.toml"
tests/tools/chromium.sh

timed() {
    began=$(date +%s)
    env -u MAKEFLAGS -u MAKELEVEL -u CARGO_TARGET_DIR make --directory "$folder" test >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        echo "minutes.sh: the tests failed; all they said is in $log" >&2
        exit 1
    }
    seconds=$(($(date +%s) - began))
    printf 'make test, %s: %d min %d s\n' "$1" $((seconds / 60)) $((seconds % 60))
}

timed 'clean'
# A line of code, not the time of the file alone: what is built of it is another.
printf '\n#[doc(hidden)]\npub fn changed_by_minutes() {}\n' >>"$folder/crates/core/src/lib.rs"
timed 'after a change in the innermost crate'
