#!/bin/sh
# The analysis takes a faulty canary back and leaves a healthy one alone. Errors are drawn from a
# seed, so the faulty one fails the same requests every time.
#
# analysis.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

start stable --version v1
ready stable

start faulty --version v2 --error-rate 0.4 --seed 7
ready faulty
if canary stable faulty; then fail "a canary with 40 % errors was promoted"; fi
[ "$weight" -eq 0 ] || fail "the faulty canary kept weight $weight"
read -r met hurt <<EOF
$(requests faulty)
EOF
[ "$met" -le 35 ] || fail "$met requests met the faulty canary before it was taken back"
stop faulty
route live stable
serves live v1

start healthy --version v3
ready healthy
canary stable healthy || fail "a healthy canary was rolled back"

start silent --version v4
if healthy silent 0 0; then fail "a canary without requests counts as healthy"; fi

result analysis <<EOF
{"test":"analysis","requests_met":$met,"requests_failed":$hurt}
EOF
