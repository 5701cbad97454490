#!/bin/sh
# rollback.sh APP: takes the last release of the application back, as a commit of its own. Without
# a release there is nothing to take back, and that is said and no error.
set -eu
app=$1
repository=${REPOSITORY:-$(dirname -- "$0")/../gitops}

last=$(git -C "$repository" log -1 --format='%H %s' -- "charts/$app-app")
case $last in
    *" Release $app "*)
        git -C "$repository" revert --no-edit "${last%% *}" >/dev/null
        echo "$app: took back ${last#* }"
        ;;
    *) echo "$app: no release to take back" ;;
esac
