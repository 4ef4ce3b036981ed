{{- define "operator.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* An image (`list $ IMAGE`), in images.registry if that is set. */ -}}
{{- define "operator.image" -}}
{{- $registry := (index . 0).Values.images.registry }}{{ $image := index . 1 -}}
{{- if and $registry $image }}{{ printf "%s/%s" $registry (base $image) }}{{ else }}{{ $image }}{{ end -}}
{{- end -}}

{{- /* The images of the steps, by name. */ -}}
{{- define "operator.images" -}}
{{- range $name, $image := omit .Values.images "operator" "registry" }}
{{ $name }}: {{ include "operator.image" (list $ $image) | quote }}
{{- end }}
{{- end -}}

{{- /* The operator's configuration file. */ -}}
{{- define "operator.config" -}}
{{- $config := deepCopy .Values.config }}
{{- with $config.sources }}{{ $_ := set . "inferenceBase" (include "operator.image" (list $ (.inferenceBase | default ""))) }}{{ end -}}
images:
  {{- include "operator.images" . | trim | nindent 2 }}
installation: {{ printf "%s/%s" .Release.Namespace .Release.Name }}
watchNamespaces: {{ .Values.watchNamespaces | toJson }}
excludeNamespaces: {{ .Values.excludeNamespaces | toJson }}
watchSelector: {{ .Values.watchSelector | quote }}
traces: {{ pick .Values.traces "endpoint" | toJson }}
{{ toYaml $config }}
{{- end -}}

{{- /* The port of the receiver of traces. */ -}}
{{- define "operator.tracesPort" -}}
{{- $url := urlParse .Values.traces.endpoint -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary 443 80 (eq $url.scheme "https")) -}}
{{- end -}}

{{- /* The operator's rights in the namespaces that it serves: exactly those that it uses. */ -}}
{{- define "operator.rules" -}}
- apiGroups: [uai.ucloud.cn]
  resources: [inferenceimages]
  verbs: [get, list, watch]
- apiGroups: [uai.ucloud.cn]
  resources: [inferenceimages/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [create, delete, get, list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create, list, watch]
{{- end -}}

{{- /* The rights on the targets of rollouts: of each kind only if the installation allows it. */ -}}
{{- define "operator.rolloutRules" -}}
{{- if has "Deployment" .Values.config.rollout.allowed }}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, patch]
{{- end }}
{{- if has "InferenceService" .Values.config.rollout.allowed }}
- apiGroups: [serving.kserve.io]
  resources: [inferenceservices]
  verbs: [get, patch]
{{- end }}
{{- if has "ConfigMap" .Values.config.rollout.allowed }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, patch]
{{- end }}
{{- end -}}
