# taskmaster: completion for bash. In ~/.bashrc: source <(taskmaster completions bash)
_taskmaster() {
    COMPREPLY=()
    local candidate
    while IFS= read -r candidate; do
        if [[ $candidate == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        [[ $candidate == */ ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("$candidate")
    done < <("${1/#\~\//$HOME/}" complete bash -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _taskmaster taskmaster
