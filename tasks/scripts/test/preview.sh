#!/bin/sh
# The preview shows the new version while users still get the old one.
#
# preview.sh WORK SAMPLE_API TASKMASTER STATE OLD NEW

WORK=$1 SAMPLE_API=$2 TASKMASTER=$3 STATE=$4 old=$5 new=$6
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/local.sh"

look
serves "$(field address)" "$old"
serves "$(field preview)" "$new"
