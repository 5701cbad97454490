#!/bin/sh
# A chart is right when Helm finds no fault in it, when it gives the plain manifests with its own
# values, when it can be filled for every environment, and when its package is of this chart.
#
# chart.sh run|check WORK APP

mode=$1 WORK=$2 app=$3
. "$(dirname -- "$0")/../lib/common.sh"

chart=charts/$app-app
package=$WORK/packages/$app-app-0.1.0.tgz

case $mode in
    run)
        helm lint --strict "$chart"
        mkdir -p "$WORK/packages"
        helm package "$chart" "--destination=$WORK/packages"
        ;;
    check)
        helm lint --strict --quiet "$chart" || no "Helm finds faults in $chart"
        sh k8s/generate "$scratch/k8s" || no "$chart gives no manifests"
        for part in "$scratch/k8s/$app"/*.yaml; do
            same "k8s/$app/${part##*/}" "$part"
        done
        for values in "$chart"/values-*.yaml; do
            helm template "$app" "$chart" "--values=$values" >/dev/null || no "$values does not fit $chart"
        done
        exists "$package"
        mkdir "$scratch/unpacked"
        tar -xzf "$package" -C "$scratch/unpacked" || no "$package cannot be unpacked"
        diff -r "$chart/templates" "$scratch/unpacked/$app-app/templates" >&2 || no "$package is of another chart"
        for file in "$chart"/values*.yaml; do
            same "$scratch/unpacked/$app-app/${file##*/}" "$file"
        done
        say "$chart gives the manifests, $package holds it"
        ;;
    *) die "unknown mode $mode" ;;
esac
