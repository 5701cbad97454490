#!/bin/sh
# What users get before, during and after a release: failures and latency by their own measure.
#
# load.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

# measure NAME: load on the active route, with its report kept under a name.
measure() {
    "$SAMPLE_API" load --url-file "$scratch/active.route" --duration 500ms --rate 800 --concurrency 4 \
        --max-error-rate 0 >"$scratch/$1.json" || fail "requests were lost $1: $(cat "$scratch/$1.json")"
    say "$1: $(cat "$scratch/$1.json")"
}

start blue --version v1
ready blue
route active blue
measure before

load_begin active blue --duration 2s --rate 800 --max-p95-ms 500
start green --version v2
ready green
route active green
stop blue
load_end
for version in v1 v2; do
    grep -q "\"$version\":[1-9]" "$scratch/load.json" || fail "the load did not meet $version"
done
measure after
serves active v2

result load <<EOF
{"test":"load","before":$(cat "$scratch/before.json"),"during":$(cat "$scratch/load.json"),"after":$(cat "$scratch/after.json")}
EOF
