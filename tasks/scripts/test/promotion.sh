#!/bin/sh
# A new version is deployed beside the old one, looked at, and promoted under load.
#
# promotion.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

start blue --version v1 --colour blue
ready blue
route active blue

start green --version v2 --colour green --ready-delay-ms 150
ready green
route preview green
serves preview v2
serves active v1

load_begin active blue --duration 1200ms --rate 500
begin=$(date +%s)
route active green
serves active v2
seconds=$(($(date +%s) - begin))
[ "$seconds" -le 5 ] || fail "the promotion took $seconds s"
stop blue
load_end
for version in v1 v2; do
    grep -q "\"$version\":[1-9]" "$scratch/load.json" || fail "the load did not meet $version"
done
serves active v2

result promotion <<EOF
{"test":"promotion","promotion_seconds":$seconds,"load":$(cat "$scratch/load.json")}
EOF
