#!/bin/sh
# The main job on this machine: run the PRD, then write and name its HTML report.
set -eu
taskmaster=$1 prd=$2 environment=$3
report=out/report.html

# Built with the feature `crashpoints` it can be killed by a variable, which no release may be.
if grep -q 'TASKMASTER_CRASH\|TASKMASTER_CLOCK' "$taskmaster"; then
    echo "demo.sh: $taskmaster has the crash points of the tests" >&2
    exit 1
fi
# What is shipped is under 30 MB (docs/benchmarks.md); a profile that does not strip it any more goes unseen otherwise.
if [ "$(wc -c <"$taskmaster")" -ge 30000000 ]; then
    echo "demo.sh: $taskmaster has 30 MB or more" >&2
    exit 1
fi

"$taskmaster" parse "$prd"
status=0
"$taskmaster" run "$prd" --env "$environment" || status=$?
# The plan ends its services itself; one that was stopped on the way leaves them to this.
"$taskmaster" agent stop >/dev/null || status=$?
mkdir -p out
"$taskmaster" report --env "$environment" -o html --to "$report"
echo
echo "The report: $(pwd)/$report"
exit "$status"
