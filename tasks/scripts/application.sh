#!/bin/sh
# Registers an application in the GitOps repository. On a laptop nobody reads that repository but
# the tests; what Argo CD would read is all there: the Application, and the chart at the path that
# it names.
#
# application.sh run|check WORK APP

mode=$1 WORK=$2 app=$3
. "$(dirname -- "$0")/lib/common.sh"
. "$(dirname -- "$0")/lib/git.sh"

repository=$WORK/gitops
chart=charts/$app-app
application=argocd/$app.yaml

case $mode in
    run)
        [ -d "$repository/.git" ] || new_repository "$repository"
        render "$repository/$application" "$templates/application.yaml.in" local "APP=$app"
        rm -rf "${repository:?}/$chart" "${repository:?}/k8s/$app"
        mkdir -p "$repository/charts" "$repository/k8s"
        cp -R "$WORK/$chart" "$repository/charts/"
        cp -R "$WORK/k8s/$app" "$repository/k8s/"
        commit "$repository" "Register $app with Argo CD" "$application" "$chart" "k8s/$app"
        exit 0
        ;;
    check) ;;
    *) die "unknown mode $mode" ;;
esac

[ -d "$repository/.git" ] || no "there is no repository $repository"
in_git "$repository" rev-parse -q --verify HEAD >/dev/null || no "$repository has no commit"

# show PATH: the file as it is committed, in the scratch folder.
show() {
    in_git "$repository" cat-file -e "HEAD:$1" 2>/dev/null || no "HEAD of $repository lacks $1"
    in_git "$repository" show "HEAD:$1" >"$scratch/shown"
}

render "$scratch/expected" "$templates/application.yaml.in" local "APP=$app"
show "$application"
same "$scratch/shown" "$scratch/expected"
path=$(value "$scratch/expected" 0:spec.source.path)
show "$path/Chart.yaml"
for file in Chart.yaml values.yaml $(cd "$WORK/$chart" && find templates -type f); do
    show "$path/$file"
    same "$WORK/$chart/$file" "$scratch/shown"
done
show "k8s/$app/namespace.yaml"
has "$scratch/shown" "0:metadata.name=$(value "$scratch/expected" 0:spec.destination.namespace)"
drift=$(in_git "$repository" status --porcelain -- "$application" "$chart" "k8s/$app")
[ -z "$drift" ] || no "the work tree differs from HEAD: $drift"
say "$app is registered in $repository at $(in_git "$repository" rev-parse --short HEAD)"
