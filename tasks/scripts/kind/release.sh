#!/bin/sh
# A release as people make it: one commit that changes an image tag, or one that takes the last
# release back. Ends when Argo CD has brought it to the cluster, within the two minutes of the PRD.
#
# release.sh WORK CONTEXT REMOTE APP TAG|--revert

WORK=$1 context=$2 remote=$3 app=$4 tag=$5
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/git.sh"

export REPOSITORY="$WORK/gitops"
# Releases of other applications commit and push at the same time; Git refuses all but one.
patiently() {
    left=10
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || die "$*"
        sleep 0.3
    done
}
push() { as_user "$REPOSITORY" push -q "$remote" HEAD:main; }

patiently catch_up "$REPOSITORY" "$remote"
if [ "$tag" = --revert ]; then
    # Not a second time: what the first one has reverted may be the commit.
    sh "$templates/bin/rollback.sh" "$app"
else
    patiently sh "$templates/bin/release.sh" "$app" "$tag"
fi
patiently push

wanted=$(sed -n 's/^  tag: //p' "$REPOSITORY/charts/$app-app/values.yaml")
image=$(sed -n 's/^  repository: //p' "$REPOSITORY/charts/$app-app/values.yaml"):$wanted
kubectl "--context=$context" --namespace=argocd annotate application "$app" argocd.argoproj.io/refresh=normal --overwrite
kubectl "--context=$context" "--namespace=$app" wait "rollout/$app" --timeout=2m \
    "--for=jsonpath={.spec.template.spec.containers[0].image}=$image"
say "$app is to run $wanted"
