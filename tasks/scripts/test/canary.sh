#!/bin/sh
# Canary releases from the commit on: a good one is promoted, a bad one is taken back in the traffic
# at once and in Git after it.
#
# canary.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"
app=canary
. "$here/lib/release.sh"

begin_releases
sync first
ready first

release v2
sync second
ready second
canary first second || fail "the good release was rolled back"
route live second
stop first
serves live v2

release v3
sync third --error-rate 0.5 --seed 3
ready third
if canary second third; then fail "the bad release was promoted"; fi
stop third
serves live v2
revert
[ "$(wanted)" = v2 ] || fail "after the revert Git asks for $(wanted)"

commits=$(in_git "$releases" rev-list --count HEAD)
[ "$commits" -eq 4 ] || fail "$commits commits tell of two releases and a revert"
result canary <<EOF
{"test":"canary","commits":$commits,"promoted":"v2","rolled_back":"v3"}
EOF
