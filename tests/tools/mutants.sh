#!/bin/sh
# Mutates the pure crates, shard by shard, and keeps what came of each in docs/mutation/record.tsv: a shard that stands
# there is not run again, so that it can be stopped at any time and gone on with.
#   mutants.sh CARGO-MUTANTS SHARDS FIRST LAST CRATE…    shards FIRST to LAST of SHARDS, counted from 0
set -eu
tool=$1 shards=$2 first=$3 last=$4
shift 4
record=docs/mutation/record.tsv
missed=docs/mutation/missed.txt
out=target/mutants
tab=$(printf '\t')

lines() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }

shard=$first
while [ "$shard" -le "$last" ]; do
    for crate; do
        grep -q "^$crate$tab$shard/$shards$tab" "$record" && continue
        rm -rf "$out" && mkdir -p "$out"
        status=0
        # The rules of the simulator are tested by faults on purpose, which come with a feature.
        case $crate in delivery) features=mutants ;; *) features= ;; esac
        # Left out: those faults, and the dice of random scenarios, as what is drawn otherwise is as good.
        "$tool" mutants --package "taskmaster-$crate" --features "$features" \
            --exclude '**/mutant.rs' --exclude '**/sim/any.rs' --gitignore true \
            --shard "$shard/$shards" --sharding round-robin --output "$out" \
            --profile mutants --jobs 2 --timeout 60 --baseline skip --colors never --no-times || status=$?
        # 2: mutants were missed, 3: some took too long. Anything else is a fault of the tool or of the tests.
        case $status in 0 | 2 | 3) ;; *) exit "$status" ;; esac
        results=$out/mutants.out
        cat "$results/missed.txt" >>"$missed"
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$crate" "$shard/$shards" "$(lines "$results/caught.txt")" \
            "$(lines "$results/missed.txt")" "$(lines "$results/timeout.txt")" "$(lines "$results/unviable.txt")" \
            "$(git rev-parse --short=10 HEAD)" >>"$record"
    done
    shard=$((shard + 1))
done

# A mutant that never ends is noticed, too; one that does not build says nothing.
awk -F '\t' '
    NR > 1 { caught[$1] += $3 + $5; all[$1] += $3 + $4 + $5; parts[$1]++ }
    END {
        for (crate in all) {
            percent = all[crate] ? 100 * caught[crate] / all[crate] : 100
            printf "mutants %-12s %5.1f %% of %d noticed, in %d shards (bar 85 %%)\n", crate, percent, all[crate], parts[crate]
            if (percent < 85) failed = 1
        }
        exit failed
    }' "$record"
