#!/bin/sh
# Writes what Argo Rollouts' own functions say about short sequences of measurements, to standard output.
#   facts.sh GIT_DIR [COMMIT] > crates/delivery/tests/it/analysis/argo_facts.txt
# The functions are cut out of a clone's analysis/analysis.go; their types are stubs beside this file, so
# that none of its dependencies is built.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$here/." "$work"
source=$(git --git-dir="$1" show "${2:-HEAD}:analysis/analysis.go")
{
    echo 'package main'
    echo 'import ("fmt"; "facts/defaults"; "facts/log"; "facts/v1alpha1")'
    echo 'const SuccessfulAssessmentRunTerminatedResult = ""'
    for name in assessMetricStatus assessMetricFailureInconclusiveOrError; do
        echo "$source" | awk "/^func $name\\(/,/^}/"
    done
    echo 'func count(metricResult *v1alpha1.MetricResult, newMeasurement v1alpha1.Measurement) {'
    echo 'logger := log.WithField("", "")'
    echo "$source" | awk '/^\t+switch newMeasurement.Phase \{/,/^\t\t\t\t\}/'
    echo '}'
} > "$work/extracted.go"
cd "$work" && go run .
