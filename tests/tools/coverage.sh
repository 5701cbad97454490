#!/bin/sh
# Lines covered by the whole test suite, printed, and held to the project's bars:
# 70 % over all, 90 % in each pure crate.
set -eu
tarpaulin=$1
report=$(mktemp)
trap 'rm -f "$report"' EXIT

"$tarpaulin" --engine llvm --follow-exec --workspace --exclude taskmaster-experiment --locked --skip-clean \
    --target-dir target/coverage --timeout 2400 --out stdout \
    --exclude-files 'tests/*' 'benches/*' 'fuzz/*' 'crates/testkit/*' 'crates/*/tests/*' 'apps/*/tests/*' | tee "$report"

awk '
    /^\|\| [a-z].*: [0-9]+\/[0-9]+/ {
        file = $2; sub(/:$/, "", file); split($3, n, "/")
        group = file ~ /^crates\// ? substr(file, 1, index(substr(file, 8), "/") + 6) : "program"
        if (file ~ /^apps\//) group = "apps"
        covered[group] += n[1]; lines[group] += n[2]; all_covered += n[1]; all_lines += n[2]
    }
    END {
        if (all_lines == 0) { print "coverage: no figures were found"; exit 1 }
        for (group in lines) {
            percent = 100 * covered[group] / lines[group]
            bar = group ~ /^crates\/(core|prd|catalogue)/ ? 90 : 0
            printf "coverage %-18s %5.1f %% of %d lines%s\n", group, percent, lines[group], bar ? " (bar 90 %)" : ""
            if (percent < bar) failed = 1
        }
        percent = 100 * all_covered / all_lines
        printf "coverage %-18s %5.1f %% of %d lines (bar 70 %%)\n", "all", percent, all_lines
        exit (failed || percent < 70)
    }' "$report"
