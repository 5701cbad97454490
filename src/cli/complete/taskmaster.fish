# taskmaster: completion for fish. In ~/.config/fish/config.fish: taskmaster completions fish | source
function __taskmaster_complete
    set -l typed (commandline -opc)
    set -l program $typed[1]
    set -e typed[1]
    set -l current (commandline -ct)
    set -l found (command $program complete fish -- $typed "$current" 2>/dev/null)
    if test "$found" = ":files"
        __fish_complete_path "$current"
    else if set -q found[1]
        printf '%s\n' $found
    end
end
complete -c taskmaster -f -a '(__taskmaster_complete)'
