#!/bin/sh
# Applies manifests of the project as they are for this site: KEY=VALUE gives every line with that
# key another value. Files are applied in their order, so what defines a kind comes first.
#
# What releases change is left as it is: the version that a Rollout runs, and the pods that its
# services have been given. A manifest here says how a service is released, Git says which version:
# git=REMOTE is asked for the version of a Rollout that is not there.
#
# ready=NAMESPACE/KIND/NAME:CONDITION is waited for at the end, and belongs to the answer of the check.
#
# into=NAMESPACE is for manifests that name none.
#
# manifest.sh run|check WORK CONTEXT FILE... [-- KEY=VALUE... ready=... into=...]

mode=$1 WORK=$2 context=$3
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/git.sh"
shift 3

files=
while [ $# -gt 0 ] && [ "$1" != -- ]; do files="$files $1" && shift; done
[ $# -eq 0 ] || shift
printf '%s\n' = "$@" >"$scratch/pairs"

into=$(sed -n 's/^into=//p' "$scratch/pairs")
kube() { kubectl "--context=$context" "$@"; }

# fill FILE: the manifest of this site. A location that is no file is left to kubectl.
fill() {
    awk '
        NR == FNR { at = index($0, "="); if (at > 1) value[substr($0, 1, at - 1)] = substr($0, at + 1); next }
        match($0, /^ *(- )?[A-Za-z_]+: /) {
            key = substr($0, 1, RLENGTH - 2)
            sub(/^ *(- )?/, "", key)
            if (key in value) $0 = substr($0, 1, RLENGTH) value[key]
        }
        { print }
    ' "$scratch/pairs" "$1" >"$scratch/filled"
    if grep -q '^kind: Service$' "$scratch/filled"; then keep_selectors; fi
    if grep -q '^kind: Rollout$' "$scratch/filled"; then keep_version; fi
}

field() { awk -v field="$1" '/^metadata:/ { on = 1 } on && sub("^  " field ": ", "") { print; exit }' "$scratch/filled"; }

# A selector has one owner as a whole: to apply it without the hash that Argo Rollouts adds would
# lead traffic to both versions.
keep_selectors() {
    path='{range .items[*]}{.metadata.name} {.spec.selector.rollouts-pod-template-hash}{"\n"}{end}'
    kube get services "--namespace=$(field namespace)" "-o=jsonpath=$path" >"$scratch/selectors" 2>"$scratch/said" || return 0
    echo >>"$scratch/selectors"
    awk '
        NR == FNR { hash[$1] = $2; next }
        /^---/ { name = "" }
        /^  name: / && name == "" { name = $2 }
        { print }
        /^  selector:/ && hash[name] != "" { print "    rollouts-pod-template-hash: \"" hash[name] "\"" }
    ' "$scratch/selectors" "$scratch/filled" >"$scratch/kept"
    mv "$scratch/kept" "$scratch/filled"
}

keep_version() {
    path='{.spec.template.spec.containers[0].image}'
    live=$(kube get rollout "$(field name)" "--namespace=$(field namespace)" --ignore-not-found "-o=jsonpath=$path" 2>"$scratch/said") || return 0
    [ -n "$live" ] || live=$(released)
    [ -z "$live" ] || sed "s|^\( *image: .*\):[^:/]*\$|\1:${live##*:}|" "$scratch/filled" >"$scratch/kept"
    [ -z "$live" ] || mv "$scratch/kept" "$scratch/filled"
}

# The image of the version that Git says, where it says one.
released() {
    remote=$(sed -n 's/^git=//p' "$scratch/pairs")
    [ -n "$remote" ] && as_user . clone -q --depth=1 --branch=main "$remote" "$scratch/gitops" 2>"$scratch/said" || return 0
    sed -n 's/^  tag: \(.\)/:\1/p' "$scratch/gitops/charts/$(field name)-app/values.yaml" 2>"$scratch/said" || true
}

each() {
    for file in $files; do
        if [ -d "$file" ]; then
            for part in "$file"/*.yaml; do fill "$part" && "$1" "$scratch/filled" "$part"; done
        elif [ -f "$file" ]; then
            fill "$file" && "$1" "$scratch/filled" "$file"
        else
            "$1" "$file" "$file"
        fi
    done
}

# A kind is served a moment after its definition is there.
apply_one() {
    left=10
    until kube apply --server-side --field-manager=taskmaster --force-conflicts ${into:+"--namespace=$into"} "--filename=$1" 2>"$scratch/said"; do
        left=$((left - 1))
        if [ "$left" -eq 0 ] || ! grep -q -e 'no matches for kind' -e 'resource mapping not found' "$scratch/said"; then
            die "$2: $(cat "$scratch/said")"
        fi
        sleep 1
    done
}

diff_one() {
    code=0
    kube diff --server-side --field-manager=taskmaster --force-conflicts ${into:+"--namespace=$into"} "--filename=$1" >"$scratch/diff" 2>"$scratch/said" || code=$?
    [ "$code" -ne 0 ] || return 0
    if grep -q -e 'refused' -e 'Unable to connect' -e 'timeout' -e 'context .* does not exist' "$scratch/said"; then
        die "$2: $(cat "$scratch/said")"
    fi
    no "$2 differs from what is in the cluster: $(cat "$scratch/said" "$scratch/diff" | head -n 40)"
}

# ready TIMEOUT: everything that is to be ready is.
ready() {
    sed -n 's/^ready=//p' "$scratch/pairs" >"$scratch/ready"
    while IFS=/ read -r namespace kind name; do
        kube wait "$kind/${name%:*}" "--namespace=$namespace" "--for=condition=${name#*:}" "--timeout=$1" </dev/null || return 1
    done <"$scratch/ready"
}

case $mode in
    run)
        each apply_one
        if ! ready 3m; then
            kube get events -A --field-selector=type=Warning --sort-by=.lastTimestamp | tail -n 5 >&2
            die "not everything is ready"
        fi
        ;;
    check)
        each diff_one
        ready 2s 2>"$scratch/said" || no "not everything is ready: $(cat "$scratch/said")"
        say "the cluster is as the manifests say"
        ;;
    *) die "unknown mode $mode" ;;
esac
