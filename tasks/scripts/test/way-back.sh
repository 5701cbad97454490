#!/bin/sh
# A promoted version is taken back while the old one still runs.
#
# way-back.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

start blue --version v1 --colour blue
start green --version v2 --colour green
ready blue
ready green
route active green
serves active v2

load_begin active green --duration 800ms --rate 500
begin=$(date +%s)
route active blue
serves active v1
seconds=$(($(date +%s) - begin))
[ "$seconds" -le 30 ] || fail "the way back took $seconds s"
stop green
load_end
serves active v1

result way-back <<EOF
{"test":"way-back","rollback_seconds":$seconds,"load":$(cat "$scratch/load.json")}
EOF
