#compdef taskmaster
# taskmaster: completion for zsh. In ~/.zshrc, after compinit: source <(taskmaster completions zsh)
_taskmaster() {
    local line
    local -a typed values shown folders
    typed=("${(@Q)words[2,CURRENT]}")
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            _files
            return
        fi
        if [[ ${line%%$'\t'*} == */ ]]; then
            folders+=("${line%%$'\t'*}")
        else
            values+=("${line%%$'\t'*}")
            shown+=("${line/$'\t'/  -- }")
        fi
    done < <(${~words[1]} complete zsh -- "${typed[@]}" 2>/dev/null)
    # -U: what is offered fits already, also where it does not begin as what is typed.
    (( $#values )) && compadd -U -l -d shown -a values
    (( $#folders )) && compadd -U -S '' -a folders
    return 0
}
if [[ ${funcstack[1]} == _taskmaster ]]; then
    _taskmaster "$@"
else
    compdef _taskmaster taskmaster
fi
