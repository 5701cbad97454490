#!/bin/sh
# Makes sure that the task runners which the benchmark compares with are there: beside the tools of this project, each at
# one version. Prints the folder of those that are not on PATH.
set -eu
tools=${1:?folder of the tools}
bin=$tools/bin
mkdir -p "$bin"

command -v make >/dev/null 2>&1 || { echo "peers.sh: install make" >&2; exit 1; }
if ! command -v ninja >/dev/null 2>&1 && [ ! -x "$bin/ninja" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "peers.sh: install ninja; this is not Debian" >&2; exit 1; }
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cd "$folder"
    apt-get download -qq ninja-build >&2 || { apt-get update -qq >&2; apt-get download -qq ninja-build >&2; }
    dpkg-deb -x ninja-build_*.deb .
    cp usr/bin/ninja "$bin/ninja"
    cd - >/dev/null
fi
if [ ! -x "$bin/just" ]; then
    cargo install --quiet --locked --root "$tools" just@1.46.0 >&2
fi
if [ ! -x "$bin/task" ]; then
    command -v go >/dev/null 2>&1 || { echo "peers.sh: install Go 1.25 or newer, for go-task" >&2; exit 1; }
    GOBIN=$bin go install github.com/go-task/task/v3/cmd/task@v3.44.1 >&2
fi
echo "$bin"
