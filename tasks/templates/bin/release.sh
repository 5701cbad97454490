#!/bin/sh
# release.sh APP TAG: what a merged pull request does. Writes the image tag into the values of the
# application's chart and commits it. Run twice, the second time finds nothing to do.
set -eu
app=$1 tag=$2
repository=${REPOSITORY:-$(dirname -- "$0")/../gitops}
values=charts/$app-app/values.yaml

case $tag in
    '' | *[!A-Za-z0-9._-]*)
        echo "error: $tag is no image tag" >&2
        exit 2
        ;;
esac
sed "s/^  tag: .*/  tag: $tag/" "$repository/$values" >"$repository/$values.new"
mv "$repository/$values.new" "$repository/$values"
if git -C "$repository" diff --quiet -- "$values"; then
    echo "$app is at $tag already"
else
    git -C "$repository" commit -q -m "Release $app $tag" -- "$values"
    echo "$app is released at $tag"
fi
