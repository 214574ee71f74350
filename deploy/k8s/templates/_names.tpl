{{/* Names and labels. Those that are about a tier take (dict "root" $ "component" "relay"). */}}

{{- define "antiphon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters: "-transceiver-peers" and what controllers append still fit 63. */}}
{{- define "antiphon.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "antiphon.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "antiphon.selectorLabels" -}}
app.kubernetes.io/name: {{ include "antiphon.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "antiphon.labels" -}}
{{ include "antiphon.selectorLabels" . }}
app.kubernetes.io/part-of: antiphon
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The image of a tier: (dict "root" $ "tier" "relay"). */}}
{{- define "antiphon.image" -}}
{{- $image := (index .root.Values .tier).image -}}
{{- $path := trimPrefix "/" (printf "%s/%s" (trimSuffix "/" .root.Values.image.registry) $image.repository) -}}
{{- $suffix := ternary "-gpu" "" (and (eq .tier "inference") .root.Values.inference.gpu.enabled) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $path $image.digest -}}
{{- else -}}
{{- printf "%s:%s%s" $path (default .root.Chart.AppVersion .root.Values.image.tag) $suffix -}}
{{- end -}}
{{- end -}}

{{- define "antiphon.clusterKeysSecret" -}}
{{- default (printf "%s-cluster-keys" (include "antiphon.fullname" .)) .Values.keys.cluster.existingSecret -}}
{{- end -}}

{{- define "antiphon.apiKeysSecret" -}}
{{- $own := printf "%s-api-keys%s" (include "antiphon.fullname" .) (ternary "-listed" "" (not (empty .Values.keys.api.lines))) -}}
{{- default $own .Values.keys.api.existingSecret -}}
{{- end -}}

{{- define "antiphon.sipSecret" -}}
{{- default (printf "%s-sip" (include "antiphon.fullname" .)) .Values.sip.existingSecret -}}
{{- end -}}

{{- define "antiphon.relayHeadless" -}}
{{- include "antiphon.fullname" . }}-relay-tunnel
{{- end -}}

{{- define "antiphon.transceiverHeadless" -}}
{{- include "antiphon.fullname" . }}-transceiver-peers
{{- end -}}

{{- define "antiphon.inferenceHeadless" -}}
{{- include "antiphon.fullname" . }}-inference
{{- end -}}

{{/* A Service's name in full, with a dot at its end, so that no search domain is tried:
     (dict "root" $ "name" NAME). */}}
{{- define "antiphon.dnsName" -}}
{{- printf "%s.%s.svc.%s." .name .root.Release.Namespace (trimSuffix "." .root.Values.network.clusterDomain) -}}
{{- end -}}

{{/* A tier's PriorityClass: (dict "root" $ "tier" "relay"); media is whom calls live at. */}}
{{- define "antiphon.priorityClassName" -}}
{{- $own := ternary (include "antiphon.ownPriorityClass" (dict "root" .root "kind" (ternary "inference" "media" (eq .tier "inference")))) "" .root.Values.priorityClasses.create -}}
{{- default $own (index .root.Values .tier).priorityClassName -}}
{{- end -}}

{{/* They have no namespace, so their names tell it. */}}
{{- define "antiphon.ownPriorityClass" -}}
{{- printf "%s-%s-%s" (trunc 20 .root.Release.Namespace | trimSuffix "-") (include "antiphon.fullname" .root) .kind -}}
{{- end -}}
