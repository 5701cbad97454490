#!/bin/sh
# A healthy canary gets the traffic by degrees; each weight sends exactly its share.
#
# progressive.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

start stable --version v1
start canary --version v2
ready stable
ready canary
canary stable canary || fail "a healthy canary was rolled back"
[ "$weight" -eq 100 ] || fail "the canary ended at weight $weight"
grep -q '"by_version":{"v2":100}' "$scratch/split.json" || fail "at the end others answered too"
read -r answered _ <<EOF
$(requests canary)
EOF
[ "$answered" -eq 260 ] || fail "the canary answered $answered requests, its weights add up to 260"

result progressive <<EOF
{"test":"progressive","weights":[10,25,50,75,100],"answered_by_canary":$answered}
EOF
