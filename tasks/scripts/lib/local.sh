# Rollouts of this machine, asked from outside: by the command line what they say of themselves, by
# requests what their users get. TASKMASTER and STATE name the program and its state directory.

[ -x "$SAMPLE_API" ] || die "$SAMPLE_API is no program: build it first (cargo build --release)"
[ -x "$TASKMASTER" ] || die "$TASKMASTER is no program: build it first (cargo build --release)"

fail() {
    verdict=no
    echo "failed: $*" >&2
    exit 1
}

# look: how the rollout is now, as JSON in a file. Ended by a way back it says so by its exit code.
look() {
    code_=0
    "$TASKMASTER" rollout status local/web --state-dir "$STATE" -o json >"$scratch/status" || code_=$?
    [ "$code_" -eq 0 ] || [ "$code_" -eq 50 ] || fail "the rollout cannot be looked at: $code_"
}

# field NAME: a text or number at the top of the last look.
field() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\"]*[^\",]\)\"\{0,1\},\{0,1\}\$/\1/p" "$scratch/status"; }

# total NAME: a number of its summary.
total() { sed -n '/^  "summary": {/,/^  }/p' "$scratch/status" | sed -n "s/^    \"$1\": \([0-9]*\),\{0,1\}\$/\1/p"; }

# serves URL VERSION: every answer there comes from this version.
serves() {
    "$SAMPLE_API" load --url "$1/version" --requests 40 --expect-version "$2=40" --max-error-rate 0 \
        >"$scratch/serves" || fail "$1 does not serve $2: $(cat "$scratch/serves")"
    say "$1 serves $2"
}

# result NAME: standard input becomes the result of a test, for reports.
result() {
    mkdir -p "$WORK/results"
    cat >"$scratch/result"
    put "$WORK/results/$1.json" "$scratch/result"
}
