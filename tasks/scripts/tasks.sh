#!/bin/sh
# Task management by taskmaster itself: it reads the platform's own PRD, follows a small plan in a
# project of its own, and carries that plan out.
#
# tasks.sh run|check WORK read|track|carry TASKMASTER

mode=$1 WORK=$2 what=$3 TASKMASTER=$4
. "$(dirname -- "$0")/lib/common.sh"
[ -x "$TASKMASTER" ] || die "$TASKMASTER is no program: build it first (cargo build --release)"
# The plan in the plan has its own ledger and its own settings.
unset TASKMASTER_STATE_DIR TASKMASTER_ENV TASKMASTER_DOCUMENT TASKMASTER_CATALOGUE TASKMASTER_JOBS
export XDG_CONFIG_HOME="$scratch/none"

prd=$here/../../prd/platform.md
project=$WORK/rehearsal

boxes() { grep -c '^- \[ \]' "$1"; }
in_project() { "$TASKMASTER" --quiet -C "$project" "$@"; }

# project_is_there: the answer is no unless the small project stands as its template does.
project_is_there() {
    same "$project/prd.md" "$templates/rehearsal/prd.md"
    same "$project/tasks/local.yaml" "$templates/rehearsal/local.yaml.in"
    exists "$project/taskmaster.toml"
}

parse_platform() {
    "$TASKMASTER" --quiet --state-dir "$scratch/state" parse --no-record -o json "$prd" >"$1"
}

case $what/$mode in
    read/run)
        parse_platform "$scratch/parsed"
        put "$WORK/tasks/platform.json" "$scratch/parsed"
        say "wrote $WORK/tasks/platform.json"
        ;;
    read/check)
        parse_platform "$scratch/parsed" || die "the PRD cannot be parsed"
        same "$WORK/tasks/platform.json" "$scratch/parsed"
        # Every box of the text is a task or a requirement: counted without the parser.
        found=$(grep -o '"ref": *"' "$scratch/parsed" | wc -l)
        [ "$found" -eq "$(sed -n '/^## 6/,/^## 7/p' "$prd" | grep -c '^- \[ \]')" ] || no "$found tasks were found"
        for title in 'Install Argo CD' 'Deliver to several environments'; do
            grep -q "\"title\": *\"$title\"" "$scratch/parsed" || no "the task \"$title\" was not found"
        done
        say "$found tasks are read"
        ;;
    track/run)
        put "$project/prd.md" "$templates/rehearsal/prd.md"
        put "$project/tasks/local.yaml" "$templates/rehearsal/local.yaml.in"
        echo 'document = "prd.md"' >"$scratch/toml"
        put "$project/taskmaster.toml" "$scratch/toml"
        in_project parse
        in_project report -o html --to report.html
        in_project tasks list
        ;;
    track/check)
        project_is_there
        [ -d "$project/.taskmaster" ] || no "the plan is not known yet"
        in_project tasks list -o json >"$scratch/tasks" || no "the plan is not known yet"
        exists "$project/report.html"
        sed -n 's/^- \[ \] //p' "$project/prd.md" | sed 's/ (.*//' | sed '/It stands/d' >"$scratch/titles"
        while read -r title; do
            grep -q "$title" "$scratch/tasks" || no "$title is not followed"
            grep -q "$title" "$project/report.html" || no "$title is not in the report"
        done <"$scratch/titles"
        say "$(wc -l <"$scratch/titles") tasks are followed and reported"
        ;;
    carry/run)
        rm -rf "$project/made"
        in_project run
        in_project report -o html --to report.html
        in_project logs 'Fetch the parts'
        ;;
    carry/check)
        project_is_there
        exists "$project/made/shed"
        [ "$(tail -n 1 "$project/made/shed")" = painted ] || no "the shed is not painted"
        [ "$(cat "$project/made/days")" = 3 ] || no "the parts were not fetched at the third try"
        in_project tasks list --status completed -o json >"$scratch/completed" || die "the ledger cannot be read"
        for title in 'Draw the plan' 'Fetch the parts' 'Build it' 'Paint it'; do
            grep -q "$title" "$scratch/completed" || no "$title is not completed"
        done
        in_project logs 'Fetch the parts' --attempt 2 | grep -q 'closed on day 2' || no "the second try left no log"
        in_project audit >/dev/null || no "the ledger does not hold"
        say "the plan was carried out, with two retries"
        ;;
    *) die "unknown: $what $mode" ;;
esac
