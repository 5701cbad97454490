{{- /* One application: .name, .chart, .namespace, .environment or "", .autoscaling, .values. */ -}}
{{- define "application" -}}
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ .name }}
  namespace: argocd
spec:
  project: {{ .values.project }}
  source:
    repoURL: {{ .values.repository }}
    targetRevision: {{ .values.revision }}
    path: charts/{{ .chart }}-app
    helm:
      releaseName: {{ .chart }}
      {{- with .environment }}
      valueFiles:
        - values-{{ . }}.yaml
      {{- end }}
  destination:
    server: {{ .values.server }}
    namespace: {{ .namespace }}
  # What Argo Rollouts writes during a release is not drift, and a sync leaves it as it is.
  ignoreDifferences:
    - group: ""
      kind: Service
      jsonPointers:
        - /spec/selector/rollouts-pod-template-hash
    # A canary's route is called like it; those of blue-green have no weights. A sync leaves the whole
    # list of rules, since lists of custom resources are merged as one.
    - group: gateway.networking.k8s.io
      kind: HTTPRoute
      name: {{ .chart }}
      jqPathExpressions:
        - .spec.rules[].backendRefs[].weight
    {{- if .autoscaling }}
    # Of the autoscaler. Elsewhere Git says how many there are.
    - group: argoproj.io
      kind: Rollout
      jsonPointers:
        - /spec/replicas
    {{- end }}
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - RespectIgnoreDifferences=true
    retry:
      limit: 5
      backoff:
        duration: 2s
        maxDuration: 1m
{{- end }}
