{{- define "m365mon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "m365mon.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "m365mon.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "m365mon.selector" -}}
app.kubernetes.io/name: {{ include "m365mon.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "m365mon.labels" -}}
{{ include "m365mon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "m365mon.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "m365mon.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "m365mon.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* Whether there is a web configuration, as text: "" is no. */}}
{{- define "m365mon.web" -}}
{{- if and .Values.webConfig.config .Values.webConfig.existingSecret }}
{{- fail "webConfig: config or existingSecret, not both" }}
{{- end }}
{{- if or .Values.webConfig.config .Values.webConfig.existingSecret }}yes{{ end }}
{{- end }}

{{- define "m365mon.scheme" -}}
{{- if .Values.webConfig.tls }}
{{- if not (include "m365mon.web" .) }}{{ fail "webConfig.tls without a web configuration" }}{{ end -}}
https
{{- else -}}
http
{{- end }}
{{- end }}

{{/* Whether the chart makes the configuration, as text. */}}
{{- define "m365mon.ownConfig" -}}
{{- if and .Values.existingConfigMap .Values.existingConfigSecret }}
{{- fail "existingConfigMap or existingConfigSecret, not both" }}
{{- end }}
{{- if not (or .Values.existingConfigMap .Values.existingConfigSecret) }}yes{{ end }}
{{- end }}

{{/* --name=value for each flag that is set. */}}
{{- define "m365mon.flags" -}}
{{- $flags := deepCopy .Values.flags }}
{{- if and (include "m365mon.web" .) (not (kindIs "bool" (get $flags "web.health-without-auth"))) }}
{{- $_ := set $flags "web.health-without-auth" true }}
{{- end }}
{{- range $own := list "config.file" "web.config.file" "web.operator-file" }}
{{- if hasKey $flags $own }}{{ fail (printf "flags.%s is set by the chart" $own) }}{{ end }}
{{- end }}
{{- range $name := keys $flags | sortAlpha }}
{{- $value := get $flags $name }}
{{- if kindIs "slice" $value }}
{{- range $value }}
- {{ printf "--%s=%v" $name . | quote }}
{{- end }}
{{- else if kindIs "bool" $value }}
{{- if $value }}
- {{ printf "--%s" $name | quote }}
{{- end }}
{{- else if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- end }}
