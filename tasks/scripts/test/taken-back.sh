#!/bin/sh
# A faulty version was taken back by itself: it says why, the old one serves, and every failure that users met
# was an answer of the faulty one.
#
# taken-back.sh WORK SAMPLE_API TASKMASTER STATE STABLE

WORK=$1 SAMPLE_API=$2 TASKMASTER=$3 STATE=$4 stable=$5
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/local.sh"

look
[ "$(field phase)" = rolled_back ] || fail "the release is $(field phase)"
grep -q '^  "why": "errors: ' "$scratch/status" || fail "it does not say why"
serves "$(field address)" "$stable"
# Of the versions that the rollout knows, only the faulty one has failures.
awk -v stable="$stable" '
    /^    {/ { failures = 0; revision = "" }
    /^      "failures": / { failures = $2 + 0 }
    /^      "revision": / { revision = $2 }
    /^    }/ { if (index(revision, "\"" stable "\"") && failures > 0) bad = 1 }
    END { exit bad }' "$scratch/status" || fail "requests failed on $stable: $(cat "$scratch/status")"
say "taken back: $(sed -n 's/^  "why": "\(.*\)",\{0,1\}$/\1/p' "$scratch/status")"
