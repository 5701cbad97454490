# Prints its arguments as a name for a file: `Hello, World!` becomes `hello-world`.
slug() {
    printf '%s\n' "$*" | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9\n' '-' | sed 's/^-//; s/-$//'
}
