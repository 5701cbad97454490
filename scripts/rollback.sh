#!/bin/sh
# Releases a version that was there before, and says yes to it by itself: it has been looked at when
# it was released first. Run twice, the second time finds that it serves already.
#
# rollback.sh TASKMASTER ENVIRONMENT blue-green|canary VERSION [OPTIONS FOR THE RUN...]
set -eu

usage() {
    echo "usage: rollback.sh TASKMASTER ENVIRONMENT blue-green|canary VERSION [OPTIONS...]" >&2
    exit 2
}
[ $# -ge 4 ] || usage
taskmaster=$1 environment=$2 app=$3 version=$4
shift 4
case $app in blue-green | canary) ;; *) usage ;; esac
[ -n "$version" ] || usage
document=prd/releases/$app.md

echo "releasing $app $version"
code=$(mktemp)
trap 'rm -f "$code"' EXIT
# Only the question of this very run is answered: one that somebody else's run asks is not ours.
{
    "$taskmaster" run "$document" --env "$environment" --var "version=$version" "$@" 2>&1 && echo 0 >"$code" || echo $? >"$code"
} | {
    trap '' INT
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in
            '? approve '*)
                "$taskmaster" approve yes --document "$document" --env "$environment" --message "the way back to $version" ||
                    echo "it waits for: taskmaster approve yes --document $document --env $environment" >&2
                ;;
        esac
    done
}
exit "$(cat "$code")"
