#!/bin/sh
# The Helm chart of an application, as a folder and as a package. The chart and the plain manifests
# come from the same templates, so the check can hold one against the other: the chart, filled with
# its own values, must give the manifests.
#
# chart.sh run|check WORK APP

mode=$1 WORK=$2 app=$3
. "$(dirname -- "$0")/lib/common.sh"

chart=$WORK/charts/$app-app
package=$WORK/packages/$app-app.tgz
parts=$(cd "$templates/$app" && ls | sed -n 's/\.yaml\.in$//p' | grep -vx -e values -e namespace)

case $mode in
    run)
        rm -rf "$chart"
        render "$chart/Chart.yaml" "$templates/chart.yaml.in" local "APP=$app"
        render "$chart/values.yaml" "$templates/$app/values.yaml.in" local
        for part in $parts; do
            render "$chart/templates/$part.yaml" "$templates/$app/$part.yaml.in" chart
        done
        tar -cf "$scratch/package" -C "$WORK/charts" "$app-app"
        gzip -n "$scratch/package"
        put "$package" "$scratch/package.gz"
        say "packaged $chart as $package"
        exit 0
        ;;
    check) ;;
    *) die "unknown mode $mode" ;;
esac

exists "$chart/Chart.yaml"
exists "$chart/values.yaml"
has "$chart/Chart.yaml" "0:name=$app-app"

flatten "$chart/values.yaml" >"$scratch/flat"
for part in $parts; do
    exists "$chart/templates/$part.yaml"
    awk -f "$here/lib/fill.awk" "$scratch/flat" "$chart/templates/$part.yaml" >"$scratch/filled" ||
        no "$chart/templates/$part.yaml cannot be filled"
    same "$WORK/k8s/$app/$part.yaml" "$scratch/filled"
done

exists "$package"
mkdir "$scratch/unpacked"
tar -xzf "$package" -C "$scratch/unpacked" || no "$package cannot be unpacked"
diff -r "$chart" "$scratch/unpacked/$app-app" >/dev/null || no "$package differs from $chart"
say "$chart gives the manifests, $package holds it"
