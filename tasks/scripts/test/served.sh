#!/bin/sh
# A release is over: the version serves, and nobody met a failure on the way.
#
# served.sh WORK SAMPLE_API TASKMASTER STATE TEST VERSION MOST_SECONDS

WORK=$1 SAMPLE_API=$2 TASKMASTER=$3 STATE=$4 test=$5 version=$6 most=$7
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/local.sh"

look
[ "$(field phase)" = completed ] || fail "the release is $(field phase)"
serves "$(field address)" "$version"
look
requests=$(total requests) failures=$(total failures) took=$(total took_ms)
[ "$requests" -gt 0 ] || fail "nobody used the service meanwhile"
[ "$failures" -eq 0 ] || fail "$failures of $requests requests failed"
[ "$took" -le "$((most * 1000))" ] || fail "it took $took ms"
say "$requests requests, none failed, $took ms"

result "$test" <<END
{"test":"$test","version":"$version","requests":$requests,"failures":$failures,"took_ms":$took}
END
