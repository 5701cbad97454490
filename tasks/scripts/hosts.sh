#!/bin/sh
# The lines for /etc/hosts that lead to the ingress on this machine. The file itself is not touched:
# that takes root, and a person who wants it.
#
# hosts.sh run|check WORK

mode=$1 WORK=$2
. "$(dirname -- "$0")/lib/common.sh"

file=$WORK/hosts
names=$(sed -n 's/^[A-Z]*_HOST=//p' "$templates/values/local.env")

case $mode in
    run)
        {
            echo "# Add these lines to /etc/hosts to reach the ingress by name."
            for name in $names; do echo "127.0.0.1 $name"; done
        } >"$scratch/hosts"
        put "$file" "$scratch/hosts"
        say "wrote $file"
        ;;
    check)
        exists "$file"
        for name in $names; do
            address=$(awk -v name="$name" '!/^#/ { for (n = 2; n <= NF; n++) if ($n == name) print $1 }' "$file")
            [ "$address" = 127.0.0.1 ] || no "$name leads to ${address:-nowhere}"
        done
        lines=$(grep -cv '^#' "$file") || true
        # shellcheck disable=SC2086 # one word for each name is what is counted
        [ "$lines" -eq "$(echo $names | wc -w)" ] || no "$file has lines for other names"
        say "every host name leads to the ingress"
        ;;
    *) die "unknown mode $mode" ;;
esac
