set -eu
. ./slug.sh
expect() {
    made=$(slug "$1")
    test "$made" = "$2" || { echo "slug '$1' is '$made', not '$2'" >&2; exit 1; }
}
expect 'Hello, World!' hello-world
expect '  2 fast -- 2 furious ' 2-fast-2-furious
expect 'plain' plain
