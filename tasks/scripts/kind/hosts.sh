#!/bin/sh
# The host names in the hosts file. Where that file may not be written the lines are printed for a
# person who may.
#
# hosts.sh run|check|undo WORK HOSTS_FILE ADDRESS

mode=$1 WORK=$2 file=$3 address=$4
. "$(dirname -- "$0")/../lib/common.sh"

names=$(sed -n 's/^[A-Z]*_HOST=//p' "$templates/values/local.env")
mark='# platform: added by taskmaster'

lines() { for name in $names; do echo "$address $name $mark"; done; }
# The file is replaced line by line and never renamed over: it may be a mount.
rewrite() {
    grep -vF "$mark" "$file" >"$scratch/hosts" || true
    "$1" >>"$scratch/hosts"
    cat "$scratch/hosts" >"$file"
}

lines >"$scratch/lines"
case $mode in
    run)
        sh "$here/hosts.sh" run "$WORK"
        if [ -w "$file" ]; then
            rewrite lines
            say "wrote $file"
        else
            say "$file may not be written here; somebody who may adds:"
            cat "$scratch/lines"
        fi
        ;;
    check)
        sh "$here/hosts.sh" check "$WORK" >/dev/null 2>&1 || no "$WORK/hosts is not written"
        [ -w "$file" ] || { say "the lines are printed; $file is not ours to write" && exit 0; }
        while read -r line; do grep -qxF "$line" "$file" || no "$file lacks: $line"; done <"$scratch/lines"
        say "$file leads to the ingress"
        ;;
    undo) if [ -w "$file" ]; then rewrite true; fi ;;
    *) die "unknown mode $mode" ;;
esac
