# What every script here starts with. The first argument of a script is its mode: `run` does the
# work, `check` tells whether it is done; the second one is WORK, the folder outside of which
# nothing is written. (Tests have no mode.) A check answers by its exit code: 0 yes, 1 no, and
# anything else that it cannot tell.

set -eu

[ -n "$WORK" ] || exit 64
# Scripts stand in this folder's parent or in a folder beside this one.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -d "$here/lib" ] || here=$(dirname -- "$here")
templates=$here/../templates
verdict=

scratch=$(mktemp -d)

# Replaced by what has more to clean up than files.
finish() { :; }

# An unforeseen failure must not pass for the answer "no".
on_exit() {
    code=$?
    trap - EXIT
    trap '' HUP INT TERM
    finish
    rm -rf "$scratch"
    if [ "$code" -eq 1 ] && [ "$verdict" != no ]; then exit 70; fi
    exit "$code"
}
trap on_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

no() {
    verdict=no
    echo "no: $*" >&2
    exit 1
}

die() {
    echo "error: $*" >&2
    exit 70
}

say() { echo "$*"; }

# render FILE TEMPLATE VALUES...: the filled template becomes the file, whole or not at all. VALUES
# are names of value files and NAME=value words; later ones win.
render() {
    file_=$1 template_=$2
    shift 2
    count_=0
    for word_ in "$@"; do
        count_=$((count_ + 1))
        case $word_ in
            *=*) printf '%s\n' "$word_" >"$scratch/values.$count_" ;;
            *) cp "$templates/values/$word_.env" "$scratch/values.$count_" ;;
        esac
    done
    cat "$scratch"/values.* >"$scratch/values"
    rm -f "$scratch"/values.*
    mkdir -p "$(dirname -- "$file_")"
    awk -f "$here/lib/render.awk" "$scratch/values" "$template_" >"$scratch/rendered"
    put "$file_" "$scratch/rendered"
}

# put FILE SOURCE: a copy of the source becomes the file, whole or not at all.
put() {
    mkdir -p "$(dirname -- "$1")"
    cp "$2" "$1.new.$$"
    mv "$1.new.$$" "$1"
}

flatten() { awk -f "$here/lib/flatten.awk" "$1"; }

# value FILE PATH: what stands at the path; nothing where it is absent.
value() { flatten "$1" | sed -n "s|^$2=||p"; }

# has FILE LINE: the answer is no unless the flattened file holds the line.
has() { flatten "$1" | grep -Fqx -- "$2" || no "$1 lacks $2"; }

# exists FILE: the answer is no unless it is there.
exists() { [ -f "$1" ] || no "$1 does not exist"; }

# same FILE EXPECTED: the answer is no unless both hold the same.
same() {
    exists "$1"
    cmp -s -- "$1" "$2" || no "$1 is not what it should be"
}
