#!/bin/sh
# Brings an application to a version without ceremony, so that a test knows where it begins: after
# one that failed half way, or that is run again, another version is there than it expects.
#
# settle.sh WORK CONTEXT REMOTE APP TAG

WORK=$1 context=$2 remote=$3 app=$4 tag=$5
. "$(dirname -- "$0")/../lib/common.sh"

rollouts() { kubectl argo rollouts "$@" "--namespace=$app" "--context=$context"; }

sh "$here/kind/release.sh" "$WORK" "$context" "$remote" "$app" "$tag"
if ! rollouts status "$app" --timeout=5s >"$scratch/status" 2>&1; then
    rollouts promote "$app" --full
    rollouts status "$app" --timeout=3m
fi
