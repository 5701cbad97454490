#!/bin/sh
# Commits the chart of an application to the GitOps repository and pushes it to where Argo CD reads.
# KEY=VALUE gives the chart's values for this site. The released version stays what Git says.
#
# gitops.sh WORK APP REMOTE KEY=VALUE...

WORK=$1 app=$2 remote=$3
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/git.sh"
shift 3

repository=$WORK/gitops
values=charts/$app-app/values.yaml
# What the guides show, and the repository itself.
[ -d "$repository/.git" ] || new_repository "$repository"
if in_git "$repository" rev-parse -q --verify HEAD >/dev/null; then
    catch_up "$repository" "$remote" || die "$repository and $remote have gone different ways"
fi
old=$(in_git "$repository" show "HEAD:$values" 2>/dev/null || true)
tag=$(printf '%s\n' "$old" | sed -n 's/^  tag: //p')
# Once: a commit of ours on top of a release would hide it from who takes releases back.
[ -n "$old" ] || sh "$here/everything.sh" "$WORK" "$app"

rm -rf "${repository:?}/charts/$app-app"
cp -R "charts/$app-app" "$repository/charts/"
[ -z "$tag" ] || set -- "$@" "tag=$tag"
printf '%s\n' = "$@" >"$scratch/pairs"
awk '
    NR == FNR { at = index($0, "="); if (at > 1) value[substr($0, 1, at - 1)] = substr($0, at + 1); next }
    match($0, /^ *[A-Za-z]+: ./) {
        key = substr($0, 1, RLENGTH - 3)
        sub(/^ */, "", key)
        if (key in value) $0 = substr($0, 1, RLENGTH - 1) value[key]
    }
    { print }
' "$scratch/pairs" "charts/$app-app/values.yaml" >"$repository/$values"
commit "$repository" "Deliver $app to this site" "charts/$app-app"
as_user "$repository" push "$remote" HEAD:main
