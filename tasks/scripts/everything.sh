#!/bin/sh
# Renders everything of one application and commits it to the GitOps repository: what the tasks of
# its phase do one by one, in one go.
#
# everything.sh WORK APP
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
case $2 in
    canary) parts='namespace rollout services ingress analysis' ;;
    *) parts='namespace rollout services ingress' ;;
esac
for part in $parts; do sh "$scripts/manifests.sh" run "$1" "$2" "$part"; done
sh "$scripts/chart.sh" run "$1" "$2"
sh "$scripts/application.sh" run "$1" "$2"
