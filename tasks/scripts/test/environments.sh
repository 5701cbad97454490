#!/bin/sh
# The same manifests in dev, staging and prod, with other values; and a version that goes from one
# to the next without touching the others.
#
# environments.sh WORK SAMPLE_API

WORK=$1 SAMPLE_API=$2
. "$(dirname -- "$0")/../lib/common.sh"
. "$here/lib/delivery.sh"

structure() { flatten "$1" | sed 's/=.*//'; }

for part in rollout services ingress; do
    for environment in dev staging prod; do
        render "$scratch/$environment/$part.yaml" "$templates/blue-green/$part.yaml.in" local "$environment"
        structure "$scratch/$environment/$part.yaml" >"$scratch/$environment/$part.structure"
        cmp -s "$scratch/dev/$part.structure" "$scratch/$environment/$part.structure" ||
            fail "$part has another structure in $environment"
    done
done
for path in 0:spec.replicas 0:spec.template.spec.containers.0.image; do
    distinct=$(for environment in dev staging prod; do value "$scratch/$environment/rollout.yaml" "$path"; done |
        sort -u | wc -l)
    [ "$distinct" -eq 3 ] || fail "$path is the same in two environments"
done

for environment in dev staging prod; do
    image=$(value "$scratch/$environment/rollout.yaml" 0:spec.template.spec.containers.0.image)
    start "$environment" --version "${image#*:}" --revision "$environment"
    ready "$environment"
    route "$environment" "$environment"
done
serves dev v3
serves staging v2
serves prod v1

load_begin dev dev --duration 800ms --rate 300
start prod-next --version v2 --revision prod
ready prod-next
route prod prod-next
stop prod
load_end
serves dev v3
serves staging v2
serves prod v2

result environments <<EOF
{"test":"environments","dev":"v3","staging":"v2","prod":"v2"}
EOF
