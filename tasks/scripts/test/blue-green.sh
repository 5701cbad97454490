#!/bin/sh
# A blue-green release from the commit to the end of the old version, under load.
#
# blue-green.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"
app=blue-green
. "$here/lib/release.sh"

begin_releases
sync blue --colour blue
ready blue
route active blue
serves active v1

release v2
[ "$(wanted)" = v2 ] || fail "Git asks for $(wanted)"
sync green --colour green
ready green
route preview green
serves preview v2
serves active v1

load_begin active blue --duration 1200ms --rate 500
route active green
serves active v2
stop blue
load_end
serves active v2

commits=$(in_git "$releases" rev-list --count HEAD)
[ "$commits" -eq 2 ] || fail "$commits commits tell of two versions"
in_git "$releases" log --format='%h %an %s'
result blue-green <<EOF
{"test":"blue-green","commits":$commits,"load":$(cat "$scratch/load.json")}
EOF
