# Git without the user's settings: the same commits on every machine, and no hook of theirs runs.

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=platform GIT_AUTHOR_EMAIL=platform@example.invalid
export GIT_COMMITTER_NAME=platform GIT_COMMITTER_EMAIL=platform@example.invalid
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

in_git() {
    folder_=$1
    shift
    git -C "$folder_" "$@"
}

# as_user REPOSITORY ARGUMENTS...: with the settings of whoever runs this, such as a credential helper.
as_user() {
    folder_=$1
    shift
    env -u GIT_CONFIG_GLOBAL -u GIT_CONFIG_NOSYSTEM git -C "$folder_" "$@"
}

# catch_up REPOSITORY REMOTE: takes in what others have pushed, such as merged pull requests; the next
# push would be refused without it. An empty remote has nothing, and where both went on somebody has
# to look.
catch_up() {
    pushed_=$(as_user "$1" ls-remote "$2" refs/heads/main) || return 1
    [ -n "$pushed_" ] || return 0
    as_user "$1" fetch -q "$2" main && git -C "$1" merge -q --ff-only FETCH_HEAD
}

new_repository() {
    mkdir -p "$1"
    git -c init.defaultBranch=main init -q "$1"
}

# commit REPOSITORY MESSAGE PATH...: a commit of these paths, where they differ from HEAD.
commit() {
    folder_=$1 message_=$2
    shift 2
    git -C "$folder_" add -A -- "$@"
    if git -C "$folder_" diff --cached --quiet; then
        echo "nothing to commit"
    else
        git -C "$folder_" commit -q -m "$message_"
        git -C "$folder_" log -1 --oneline
    fi
}
