{{- /* What several templates say. */ -}}

{{- define "blueGreen" -}}
{{- if eq .Values.strategy "blueGreen" }}true{{ end }}
{{- end }}

{{- /* The two roles of a release, the one that serves first. Services are called after them. */ -}}
{{- define "roles" -}}
{{- if include "blueGreen" . }}active preview{{ else }}stable canary{{ end }}
{{- end }}

{{- /* Requests of one version, without those of probes and Prometheus: the head of a query. */ -}}
{{- define "requests" -}}
namespace="{{ .Release.Namespace }}",pod_template_hash="{{ "{{args.hash}}" }}",path!~"/health.*|/metrics"
{{- end }}

{{- /* Argo Rollouts fills in the hash of the new version. */ -}}
{{- define "analysis" -}}
templates:
  - templateName: {{ .Values.analysis.prefix }}success-rate
  - templateName: {{ .Values.analysis.prefix }}latency
{{- end }}

{{- define "analysis.args" -}}
args:
  - name: hash
    valueFrom:
      podTemplateHashValue: Latest
{{- end }}

{{- /* How often a metric is asked for, and how many bad answers it may give, and
     how often in a row it may give none: what is not measured must not be promoted meanwhile. */ -}}
{{- define "measured" -}}
{{- with .Values.analysis.initialDelay -}}
initialDelay: {{ . }}
{{ end -}}
interval: {{ .Values.analysis.interval }}
count: {{ .Values.analysis.count }}
failureLimit: {{ .Values.analysis.failureLimit }}
consecutiveErrorLimit: {{ .Values.analysis.errorLimit }}
{{- end }}
