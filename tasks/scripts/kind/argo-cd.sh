#!/bin/sh
# The part of Argo CD that is not in its manifests: a kubectl context for its command line, which
# looks for its own namespace in it. It refers to the cluster and the user of the given context, so
# no credential is copied.
#
# argo-cd.sh run|check WORK CONTEXT

mode=$1 WORK=$2 context=$3
. "$(dirname -- "$0")/../lib/common.sh"

file=$WORK/kube/argocd.yaml
ask() { kubectl config view "-o=jsonpath={.contexts[?(@.name==\"$context\")].context.$1}"; }

{
    echo "apiVersion: v1"
    echo "kind: Config"
    echo "contexts:"
    echo "  - name: $context-argocd"
    echo "    context:"
    echo "      cluster: $(ask cluster)"
    echo "      user: $(ask user)"
    echo "      namespace: argocd"
} >"$scratch/config"

case $mode in
    run) put "$file" "$scratch/config" && say "wrote $file" ;;
    check) same "$file" "$scratch/config" ;;
    *) die "unknown mode $mode" ;;
esac
