#!/bin/sh
# One Kubernetes manifest of an application, from its template. The check compares it with the
# template, and what it refers to with the other manifests.
#
# manifests.sh run|check WORK APP PART

mode=$1 WORK=$2 app=$3 part=$4
. "$(dirname -- "$0")/lib/common.sh"

folder=$WORK/k8s/$app
file=$folder/$part.yaml

case $mode in
    run)
        render "$file" "$templates/$app/$part.yaml.in" local
        say "wrote $file"
        exit 0
        ;;
    check) ;;
    *) die "unknown mode $mode" ;;
esac

render "$scratch/expected" "$templates/$app/$part.yaml.in" local
same "$file" "$scratch/expected"

# Names that a manifest uses for others must be the names that those have.
service_exists() {
    flatten "$folder/services.yaml" | grep -q ":metadata.name=$1\$" || no "no service is called $1"
}

case $app/$part in
    */namespace)
        has "$file" "0:kind=Namespace"
        has "$file" "0:metadata.name=$app"
        ;;
    */rollout)
        has "$file" "0:apiVersion=argoproj.io/v1alpha1"
        has "$file" "0:kind=Rollout"
        has "$file" "0:metadata.namespace=$(value "$folder/namespace.yaml" 0:metadata.name)"
        has "$file" "0:spec.template.metadata.labels.app=$(value "$file" 0:spec.selector.matchLabels.app)"
        container=0:spec.template.spec.containers.0
        has "$file" "$container.readinessProbe.httpGet.path=/health/ready"
        has "$file" "$container.livenessProbe.httpGet.path=/health/live"
        if [ "$app" = blue-green ]; then
            has "$file" "0:spec.strategy.blueGreen.autoPromotionEnabled=false"
            has "$file" "0:spec.strategy.blueGreen.scaleDownDelaySeconds=30"
        else
            weights=$(value "$file" '0:spec.strategy.canary.steps.[0-9]*.setWeight' | tr '\n' ' ')
            [ "$weights" = "10 25 50 75 " ] || no "the weights are $weights"
        fi
        ;;
    */services)
        rollout=$folder/rollout.yaml
        exists "$rollout"
        strategy=0:spec.strategy
        for path in blueGreen.activeService blueGreen.previewService canary.stableService canary.canaryService; do
            for name in $(value "$rollout" "$strategy.$path"); do service_exists "$name"; done
        done
        label=$(value "$rollout" 0:spec.template.metadata.labels.app)
        for document in 0 1; do has "$file" "$document:spec.selector.app=$label"; done
        ;;
    */ingress)
        exists "$folder/services.yaml"
        backends=$(value "$file" '[0-9]*:spec.rules.0.http.paths.0.backend.service.name')
        [ -n "$backends" ] || no "the ingress leads nowhere"
        for name in $backends; do service_exists "$name"; done
        if [ "$app" = canary ]; then
            has "$folder/rollout.yaml" "0:spec.strategy.canary.trafficRouting.nginx.stableIngress=$(value "$file" 0:metadata.name)"
        fi
        ;;
    canary/analysis)
        exists "$folder/rollout.yaml"
        has "$folder/rollout.yaml" "0:spec.strategy.canary.analysis.templates.0.templateName=$(value "$file" 0:metadata.name)"
        has "$folder/rollout.yaml" "0:spec.strategy.canary.analysis.args.0.name=$(value "$file" 0:spec.args.0.name)"
        query=$(value "$file" 0:spec.metrics.0.provider.prometheus.query)
        case $query in
            *http_requests_total*) ;;
            *) no "the query does not ask for the requests of the service" ;;
        esac
        ;;
    *) die "unknown part $app/$part" ;;
esac
say "$file is right"
