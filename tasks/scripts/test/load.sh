#!/bin/sh
# What users get before, during and after a release: failures and latency by their own measure.
#
# load.sh WORK SAMPLE_API TASKMASTER STATE

WORK=$1 SAMPLE_API=$2 TASKMASTER=$3 STATE=$4
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/local.sh"

load=
finish() {
    [ -z "$load" ] || kill "$load" 2>/dev/null || true
    [ -z "$load" ] || wait "$load" 2>/dev/null || true
}

# measure NAME FLAGS...: load on the service, with its report kept under a name. No request may fail.
measure() {
    name_=$1
    shift
    "$SAMPLE_API" load --url "$address/version" --rate 400 --concurrency 4 --max-error-rate 0 "$@" \
        >"$scratch/$name_.json" || fail "requests were lost $name_: $(cat "$scratch/$name_.json")"
    say "$name_: $(cat "$scratch/$name_.json")"
}

look
address=$(field address)
measure before --duration 500ms

"$SAMPLE_API" load --url "$address/version" --rate 400 --concurrency 4 --max-error-rate 0 --duration 4s \
    --max-p95-ms 500 >"$scratch/during.json" 2>"$scratch/during.log" &
load=$!
export SAMPLE_API
"$TASKMASTER" rollout start tasks/rollouts/blue-green.yaml v5 --state-dir "$STATE" >"$scratch/start"
"$TASKMASTER" rollout watch local/web --for held --timeout 20s --state-dir "$STATE"
"$TASKMASTER" rollout promote local/web --wait --timeout 20s --state-dir "$STATE" >"$scratch/promote"
code=0
wait "$load" || code=$?
load=
[ "$code" -eq 0 ] || fail "requests were lost during the release: $(cat "$scratch/during.json" "$scratch/during.log")"
for version in v3 v5; do
    grep -q "\"$version\":[1-9]" "$scratch/during.json" || fail "the load did not meet $version: $(cat "$scratch/during.json")"
done
measure after --duration 500ms
serves "$address" v5

result load <<END
{"test":"load","before":$(cat "$scratch/before.json"),"during":$(cat "$scratch/during.json"),"after":$(cat "$scratch/after.json")}
END
