#!/bin/sh
# status.sh: which version of each application Git asks for, and since when.
set -eu
repository=${REPOSITORY:-$(dirname -- "$0")/../gitops}

for chart in "$repository"/charts/*-app; do
    app=$(basename -- "$chart" -app)
    tag=$(git -C "$repository" show "HEAD:charts/$app-app/values.yaml" | sed -n 's/^  tag: //p')
    since=$(git -C "$repository" log -1 --format=%cs -- "charts/$app-app")
    echo "$app $tag since $since"
done
