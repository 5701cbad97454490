# Fills a template: @NAME@ becomes the value that an earlier file gives to NAME. The files before
# the last hold lines NAME=value. A name without a value is an error, so no hole is ever written.
FILENAME != ARGV[ARGC - 1] {
    if ($0 ~ /^[A-Z_]+=/) {
        split_at = index($0, "=")
        values[substr($0, 1, split_at - 1)] = substr($0, split_at + 1)
    }
    next
}
{
    line = ""
    rest = $0
    while (match(rest, /@[A-Z_]+@/)) {
        name = substr(rest, RSTART + 1, RLENGTH - 2)
        if (!(name in values)) {
            printf "%s:%d: no value for %s\n", FILENAME, FNR, name > "/dev/stderr"
            exit 3
        }
        line = line substr(rest, 1, RSTART - 1) values[name]
        rest = substr(rest, RSTART + RLENGTH)
    }
    print line rest
}
