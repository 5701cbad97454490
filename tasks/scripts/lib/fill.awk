# Fills in a chart's template as Helm would for what is used here: the first file holds the
# flattened values.yaml, the second the template with {{ .Values.path }} and {{ "text" }}.
FNR == NR {
    split_at = index($0, "=")
    values[substr($0, 3, split_at - 3)] = substr($0, split_at + 1)
    next
}
{
    line = ""
    rest = $0
    while (match(rest, /\{\{ [^}]* \}\}|\{\{ "[^"]*" \}\}/)) {
        expression = substr(rest, RSTART + 3, RLENGTH - 6)
        if (expression ~ /^"/) {
            filled = substr(expression, 2, length(expression) - 2)
        } else {
            path = expression
            if (!sub(/^\.Values\./, "", path) || !(path in values)) {
                printf "%s:%d: values.yaml does not hold %s\n", FILENAME, FNR, expression > "/dev/stderr"
                exit 3
            }
            filled = values[path]
        }
        line = line substr(rest, 1, RSTART - 1) filled
        rest = substr(rest, RSTART + RLENGTH)
    }
    print line rest
}
