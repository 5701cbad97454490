# Turns block-style YAML into lines "document:path.to.key=value", so that grep can ask about it.
# It reads what the templates here are written in: maps and lists by indentation (a list deeper
# than its key), plain and quoted scalars, and literal blocks, whose lines are joined by a space.
function put(value) {
    path = ""
    for (n = 1; n <= depth; n++) path = path (n > 1 ? "." : "") key[n]
    if (value ~ /^".*"$/ || value ~ /^'.*'$/) value = substr(value, 2, length(value) - 2)
    print document + 0 ":" path "=" value
}
function push(at, type, name) {
    depth++
    indent[depth] = at
    kind[depth] = type
    key[depth] = name
}
function finish_block() {
    if (in_block) {
        put(block)
        in_block = 0
    }
}
/^---/ { finish_block(); document++; depth = 0; next }
/^[ ]*#/ || /^[ ]*$/ { next }
{
    match($0, /^ */)
    at = RLENGTH
    text = substr($0, at + 1)
    if (in_block && at > block_indent) {
        block = block (block == "" ? "" : " ") text
        next
    }
    finish_block()
    while (text == "-" || substr(text, 1, 2) == "- ") {
        while (depth > 0 && (indent[depth] > at || (indent[depth] == at && kind[depth] == "map"))) depth--
        if (!(depth > 0 && indent[depth] == at && kind[depth] == "list")) push(at, "list", -1)
        key[depth]++
        text = substr(text, 3)
        at += 2
    }
    if (match(text, /^[^ "']+:( |$)/)) {
        name = substr(text, 1, RLENGTH)
        sub(/: ?$/, "", name)
        value = substr(text, RLENGTH + 1)
        while (depth > 0 && indent[depth] >= at) depth--
        push(at, "map", name)
        if (value == "|") {
            in_block = 1
            block = ""
            block_indent = at
        } else if (value != "") put(value)
    } else if (text != "") put(text)
}
END { finish_block() }
