#!/bin/sh
# The four ways back, one after the other: each ends with the old version serving alone.
#
# every-way-back.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"
app=blue-green
. "$here/lib/release.sh"

begin_releases
sync old
ready old
route active old

say "-- by command"
start new --version v2
ready new
route active new
serves active v2
route active old
serves active v1
stop new

say "-- by health check"
start stuck --version v2 --ready-delay-ms 3600000
if probe --url "$(url stuck)/health/ready" --timeout 300ms; then fail "a stuck version counts as healthy"; fi
serves active v1
stop stuck

say "-- by analysis"
start faulty --version v2 --error-rate 0.5 --seed 5
ready faulty
if canary old faulty; then fail "a faulty version was promoted"; fi
stop faulty
serves active v1

say "-- by reverting a commit"
release v2
sync released
ready released
route active released
serves active v2
revert
[ "$(wanted)" = v1 ] || fail "after the revert Git asks for $(wanted)"
sync restored
ready restored
route active restored
stop released
serves active v1

result every-way-back <<EOF
{"test":"every-way-back","ways":["command","health check","analysis","revert"]}
EOF
