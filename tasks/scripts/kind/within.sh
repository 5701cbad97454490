#!/bin/sh
# Runs a command again and again until it succeeds, for so many seconds: what the cluster has
# decided reaches the ingress a moment later.
#
# within.sh SECONDS COMMAND...
set -eu
end=$(($(date +%s) + $1))
shift
until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || { echo "error: not in time" >&2 && exit 1; }
    sleep 0.5
done
