# Releases out of Git: a repository of its own for one test, whose values.yaml says which version
# is to run, and what follows from a commit there.

. "$here/lib/git.sh"
releases=$scratch/releases
values=charts/$app-app/values.yaml

# begin_releases: a repository with the application's chart at its first version.
begin_releases() {
    new_repository "$releases"
    render "$releases/$values" "$templates/$app/values.yaml.in" local
    render "$releases/charts/$app-app/Chart.yaml" "$templates/chart.yaml.in" local "APP=$app"
    commit "$releases" "Begin with $(wanted_in "$releases/$values")" charts
}

wanted_in() { value "$1" 0:image.tag; }

# wanted: the version that HEAD asks for. The work tree does not count.
wanted() {
    in_git "$releases" show "HEAD:$values" >"$scratch/wanted.yaml"
    wanted_in "$scratch/wanted.yaml"
}

# release VERSION: the commit that a merged pull request is, and proof that it changed one line.
release() {
    sed "s/^  tag: .*/  tag: $1/" "$releases/$values" >"$scratch/values.yaml"
    put "$releases/$values" "$scratch/values.yaml"
    commit "$releases" "Release $1" "$values"
    changed=$(in_git "$releases" diff --numstat HEAD~1 HEAD)
    [ "$changed" = "1	1	$values" ] || fail "a release changed more than one line: $changed"
}

# revert: takes the last release back in Git.
revert() {
    in_git "$releases" revert --no-edit HEAD >"$scratch/reverted"
    in_git "$releases" log -1 --oneline
}

# sync NAME FLAGS...: starts the version that HEAD asks for.
sync() {
    name_=$1
    shift
    start "$name_" --version "$(wanted)" "$@"
}
