#!/bin/sh
# The cluster that everything runs in: one that is there already, or one that Terraform makes with
# kind (infra/kind). Either way it is there when a node is ready, and with Terraform nothing differs.
#
# cluster.sh run|check|undo WORK CONTEXT CREATE NAME NODE_IMAGE

mode=$1 WORK=$2 context=$3 create=$4 name=$5 image=$6
. "$(dirname -- "$0")/../lib/common.sh"

state=$(mkdir -p "$WORK/terraform" && cd "$WORK/terraform" && pwd)
export TF_DATA_DIR="$state/kind" TF_IN_AUTOMATION=1
tf() { terraform "-chdir=$here/../../infra/kind" "$@"; }
settings="-input=false -no-color -var=name=$name -var=node_image=$image"

ready() {
    kubectl "--context=$context" get nodes --no-headers --request-timeout=10s 2>"$scratch/said" |
        awk '$2 == "Ready" { found = 1 } END { exit !found }'
}

case $mode in
    check)
        ready || no "no node of $context is ready: $(head -n 1 "$scratch/said")"
        if [ "$create" = true ]; then
            [ -d "$TF_DATA_DIR" ] || no "Terraform has not been here"
            code=0
            # shellcheck disable=SC2086 # the settings are words
            tf plan -detailed-exitcode $settings >"$scratch/plan" 2>&1 || code=$?
            case $code in
                0) ;;
                2) no "the cluster differs from its description" ;;
                *) die "$(cat "$scratch/plan")" ;;
            esac
        fi
        say "a node of $context is ready"
        ;;
    run)
        if [ "$create" = true ]; then
            tf init -input=false -no-color "-backend-config=path=$state/kind.tfstate"
            # shellcheck disable=SC2086
            tf apply -auto-approve $settings
        fi
        kubectl "--context=$context" wait nodes --all --for=condition=Ready --timeout=3m ||
            die "no cluster answers as $context: start one, name another by --var context=NAME, or let kind make one by --var create_cluster=true"
        ;;
    undo)
        # A cluster that we did not make is not ours to take away.
        if [ "$create" = true ] && [ -d "$TF_DATA_DIR" ]; then
            # shellcheck disable=SC2086
            tf destroy -auto-approve $settings
        fi
        ;;
    *) die "unknown mode $mode" ;;
esac
