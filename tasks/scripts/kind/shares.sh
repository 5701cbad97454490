#!/bin/sh
# Measures at each weight of a canary which share of the requests the new version answers.
#
# shares.sh WORK CONTEXT SAMPLE_API URL APP VERSION WEIGHT...

WORK=$1 context=$2 SAMPLE_API=$3 url=$4 app=$5 version=$6
. "$(dirname -- "$0")/../lib/common.sh"
shift 6

requests=400 tolerance=3
for weight in "$@"; do
    kubectl "--context=$context" "--namespace=$app" wait "rollout/$app" --timeout=5m \
        "--for=jsonpath={.status.canary.weights.canary.weight}=$weight"
    # The ingress learns of it a moment later.
    sleep 1
    "$SAMPLE_API" load "--url=$url" "--requests=$requests" --max-error-rate=0 >"$scratch/load" ||
        die "requests failed at a weight of $weight: $(cat "$scratch/load")"
    got=$(sed -n "s/.*\"by_version\":{[^}]*\"$version\":\([0-9]*\).*/\1/p" "$scratch/load")
    share=$((${got:-0} * 100 / requests))
    say "weight $weight: ${got:-0} of $requests requests ($share percent)"
    off=$((share - weight))
    [ "${off#-}" -le "$tolerance" ] || die "a weight of $weight gave $share percent: $(cat "$scratch/load")"
done
