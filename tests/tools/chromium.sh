#!/bin/sh
# Makes sure that a Chromium is there for the browser tests: finds one, else installs Debian's.
# Prints nothing when one is found, so that `make test` stays quiet. TASKMASTER_CHROMIUM names another.
set -eu

if [ -n "${TASKMASTER_CHROMIUM:-}" ]; then
    command -v "$TASKMASTER_CHROMIUM" >/dev/null 2>&1 && exit 0
    echo "chromium.sh: TASKMASTER_CHROMIUM=$TASKMASTER_CHROMIUM is not a program" >&2
    exit 1
fi
for name in chromium chromium-browser google-chrome-stable google-chrome; do
    # Ubuntu's chromium-browser is a stub that only asks for a snap; a real one answers --version.
    if command -v "$name" >/dev/null 2>&1 && "$name" --version >/dev/null 2>&1; then
        exit 0
    fi
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "chromium.sh: no chromium found, and this is not Debian or Ubuntu." >&2
    echo "Install Chromium or Chrome, or name one in TASKMASTER_CHROMIUM." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null 2>&1; then
    root=sudo
else
    echo "chromium.sh: the browser tests need chromium; as root: apt-get install chromium" >&2
    exit 1
fi

echo "installing chromium for the browser tests"
install() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
}
# The lists of a fresh image are empty or stale: a failed first try refreshes them.
if ! install; then
    $root apt-get update -qq
    if ! install; then
        # Ubuntu has it as a snap only, which a container cannot run.
        echo "chromium.sh: apt has no chromium here; install Chrome's package or name one in TASKMASTER_CHROMIUM" >&2
        exit 1
    fi
fi
chromium --version >/dev/null
