#!/bin/sh
# The Makefile, the scripts and the pipeline that people get. Each check really uses them, on a
# clone of the GitOps repository.
#
# automation.sh run|check WORK makefile|chores|ci

mode=$1 WORK=$2 what=$3
. "$(dirname -- "$0")/lib/common.sh"
. "$here/lib/git.sh"

# A make that stands above this script must not lend its flags to the one that is tried here.
unset MAKEFLAGS MFLAGS MAKELEVEL

# installed SOURCE TARGET: writes the file, or asks whether it is as it was written.
installed() {
    render "$scratch/wanted" "$1" local
    if [ "$mode" = run ]; then
        put "$2" "$scratch/wanted"
        say "wrote $2"
    else
        same "$2" "$scratch/wanted"
    fi
}

# sandbox: a folder that looks like the work folder, with a clone instead of the repository.
sandbox() {
    [ -d "$WORK/gitops/.git" ] || no "there is no repository to try it on"
    cp -R "$WORK/bin" "$scratch/bin" || no "there are no scripts to try"
    git clone -q "$WORK/gitops" "$scratch/gitops"
}

head_of() { in_git "$scratch/gitops" rev-parse HEAD; }
wanted() { value "$scratch/gitops/charts/$1-app/values.yaml" 0:image.tag; }

case $what in
    chores)
        for script in release rollback status; do
            installed "$templates/bin/$script.sh" "$WORK/bin/$script.sh"
        done
        [ "$mode" = check ] || exit 0
        sandbox
        for app in blue-green canary; do
            before=$(wanted "$app")
            sh "$scratch/bin/release.sh" "$app" v9 || no "release.sh fails"
            [ "$(wanted "$app")" = v9 ] || no "release.sh does not release"
            released=$(head_of)
            sh "$scratch/bin/release.sh" "$app" v9 || no "release.sh fails the second time"
            [ "$(head_of)" = "$released" ] || no "release.sh releases the same twice"
            sh "$scratch/bin/status.sh" | grep -q "^$app v9 since " || no "status.sh does not tell the release"
            sh "$scratch/bin/rollback.sh" "$app" || no "rollback.sh fails"
            [ "$(wanted "$app")" = "$before" ] || no "rollback.sh does not take the release back"
            restored=$(head_of)
            sh "$scratch/bin/rollback.sh" "$app" || no "rollback.sh fails the second time"
            [ "$(head_of)" = "$restored" ] || no "rollback.sh takes back what is no release"
        done
        if sh "$scratch/bin/release.sh" canary 'v9; date' 2>/dev/null; then no "release.sh takes anything for a tag"; fi
        ;;
    makefile)
        installed "$templates/Makefile" "$WORK/Makefile"
        [ "$mode" = check ] || exit 0
        targets=$(make -s -C "$WORK" help) || no "make help fails"
        [ "$(echo "$targets" | wc -l)" -eq 6 ] || no "make help lists $targets"
        for target in $(echo "$targets" | sed 's/:.*//'); do
            make -n -C "$WORK" "$target" >/dev/null || no "make $target is no command"
        done
        make -s -C "$WORK" history | grep -q 'Register blue-green' || no "make history does not tell the history"
        ;;
    ci)
        installed "$templates/ci/deliver.yaml.in" "$WORK/ci/deliver.yaml"
        [ "$mode" = check ] || exit 0
        sandbox
        cp "$WORK/Makefile" "$scratch/Makefile" || no "there is no Makefile for the pipeline"
        APP=$(value "$WORK/ci/deliver.yaml" 0:jobs.deliver.env.APP)
        TAG=$(value "$WORK/ci/deliver.yaml" 0:jobs.deliver.env.TAG)
        export APP TAG
        before=$(head_of)
        value "$WORK/ci/deliver.yaml" '0:jobs.deliver.steps.[0-9]*.run' >"$scratch/steps"
        [ -s "$scratch/steps" ] || no "the pipeline has no steps"
        (cd "$scratch" && sh -eu ./steps) || no "the pipeline fails"
        [ "$(wanted "$APP")" = "$TAG" ] || no "the pipeline does not release"
        commits=$(in_git "$scratch/gitops" rev-list --count "$before..HEAD")
        [ "$commits" -eq 1 ] || no "the pipeline makes $commits commits"
        ;;
    *) die "unknown part $what" ;;
esac
say "$what works"
