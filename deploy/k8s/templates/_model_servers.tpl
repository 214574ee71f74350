{{/* The model servers that inference asks, as a JSON object by kind: name, urls, model, secret. */}}
{{- define "antiphon.modelServers" -}}
{{- $servers := dict -}}
{{- range $name := list "llm" "expert" "asr" "tts" -}}
{{- $values := index $.Values.inference $name -}}
{{- $urls := join "," $values.urls -}}
{{- $model := $values.model -}}
{{- if and (eq $name "llm") $.Values.vllm.enabled -}}
{{- $urls = default (include "antiphon.vllmUrl" $) $urls -}}
{{- $model = default $.Values.vllm.model $model -}}
{{- end -}}
{{- if $urls -}}
{{- $_ := set $servers $name (dict "name" $name "urls" $urls "model" $model "secret" $values.existingSecret) -}}
{{- end -}}
{{- end -}}
{{- toJson $servers -}}
{{- end -}}

{{/* Sources of a projected volume with their keys; empty if there are none. */}}
{{- define "antiphon.modelSecrets" -}}
{{- range $server := include "antiphon.modelServers" . | fromJson }}
{{- if .secret }}
- secret:
    name: {{ .secret }}
    items: [{key: api-key, path: {{ .name }}.key}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "antiphon.vllmUrl" -}}
http://{{ include "antiphon.dnsName" (dict "root" $ "name" (printf "%s-vllm" (include "antiphon.fullname" $))) | trimSuffix "." }}:8000/v1
{{- end -}}
