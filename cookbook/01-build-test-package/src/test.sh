#!/bin/sh
# Each line: the text, and how many words it has.
set -eu
expect() {
    counted=$(printf '%b' "$1" | build/tally)
    test "$counted" = "$2" || { echo "'$1' has $2 words, but $counted were counted" >&2; exit 1; }
}
expect '' 0
expect 'one' 1
expect ' one\ttwo\n three ' 3
echo "all well"
