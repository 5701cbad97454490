#!/bin/sh
# Each injected failure is caught by the gate that is made for it, and by no luck: a version without
# a failure passes all the gates.
#
# failures.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

becomes_ready() { probe --url "$(url "$1")/health/ready" --timeout "${2:-10s}"; }
answers_well() {
    "$SAMPLE_API" load --url "$(url "$1")/version" --requests 200 --max-error-rate 0.05 >"$scratch/gate"
}
answers_fast() {
    "$SAMPLE_API" load --url "$(url "$1")/version" --requests 16 --max-error-rate 0 --max-p95-ms 400 >"$scratch/gate"
}

start sound --version v2
for gate in becomes_ready answers_well answers_fast; do
    "$gate" sound || fail "$gate stopped a sound version: $(cat "$scratch/gate")"
done

say "-- errors"
start errors --version v3 --error-rate 0.3 --seed 11
becomes_ready errors || fail "the health check alone must not see errors of the application"
probe --url "$(url errors)/health" || fail "a faulty version is still alive"
if answers_well errors; then fail "30 % errors were not caught"; fi
say "caught: $(cat "$scratch/gate")"

say "-- latency"
start slow --version v3 --latency-ms 600
becomes_ready slow || fail "the health check alone must not see latency"
if answers_fast slow; then fail "600 ms of latency were not caught"; fi
say "caught: $(cat "$scratch/gate")"

say "-- never ready"
start stuck --version v3 --ready-delay-ms 3600000
if becomes_ready stuck 400ms; then fail "a version that is not ready was let in"; fi
say "caught: $(cat "$scratch/probe")"

say "-- gone in the middle"
start dying --version v3
ready dying
kill -KILL "$(cat "$scratch/dying.pid")"
wait "$(cat "$scratch/dying.pid")" || true
forget "$(cat "$scratch/dying.pid")"
if answers_well dying; then fail "a dead version was not caught"; fi
say "caught: $(cat "$scratch/gate")"

result failures <<EOF
{"test":"failures","caught":["errors","latency","never ready","death"]}
EOF
