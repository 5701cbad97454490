#!/bin/sh
# Runs a command while requests go to a URL from before its start to after its end. Fails when the
# command does, or when a larger share of the requests failed than may.
#
# under-load.sh WORK SAMPLE_API URL RATE MAX_ERROR_RATE COMMAND...

WORK=$1 SAMPLE_API=$2 url=$3 rate=$4 errors=$5
. "$(dirname -- "$0")/../lib/common.sh"
shift 5

loader=
finish() {
    if [ -n "$loader" ]; then
        touch "$scratch/stop"
        wait "$loader" || true
    fi
}

# In slices, so that it can end soon after the command has.
(
    until [ -e "$scratch/stop" ]; do
        "$SAMPLE_API" load "--url=$url" --duration=2s "--rate=$rate" "--max-error-rate=$errors" >"$scratch/slice" ||
            { cat "$scratch/slice" && touch "$scratch/failed"; }
        cat "$scratch/slice" >>"$scratch/slices"
    done
) &
loader=$!
# One slice before the command begins.
while [ ! -s "$scratch/slices" ]; do sleep 0.2; done
code=0
"$@" || code=$?
finish
loader=
sent=$(sed -n 's/.*"sent":\([0-9]*\).*/\1/p' "$scratch/slices" | awk '{ n += $1 } END { print n + 0 }')
failed=$(sed -n 's/.*"failed":\([0-9]*\).*/\1/p' "$scratch/slices" | awk '{ n += $1 } END { print n + 0 }')
say "under load: $sent requests, $failed failed"
[ "$code" -eq 0 ] || die "the command ended with $code"
[ ! -e "$scratch/failed" ] || die "too many requests failed meanwhile"
