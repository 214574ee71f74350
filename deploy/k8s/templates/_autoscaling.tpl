{{/* What HPA and KEDA have in common. They take (dict "root" $ "tier" "transceiver"). */}}

{{/* The metric of a tier's sessions, by pod; relays have none. */}}
{{- define "antiphon.sessionMetric" -}}
{{- index (dict "transceiver" "antiphon_transceiver_calls" "inference" "antiphon_inference_sessions") .tier -}}
{{- end -}}

{{/* Sessions that a pod shall have on average: an inference replica is one worker. */}}
{{- define "antiphon.sessionsPerPod" -}}
{{- $values := index .root.Values .tier -}}
{{- mul $values.autoscaling.sessionsPerWorker (default 1 $values.workers) -}}
{{- end -}}

{{/* Pods that go still hold calls for a while, so they go late and one by one. */}}
{{- define "antiphon.scalingBehavior" -}}
scaleDown:
  stabilizationWindowSeconds: {{ (index .root.Values .tier).autoscaling.scaleDownSeconds }}
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end -}}

{{/* How many pods a Deployment that is scaled has now, while Helm is the one who says so: a number that an
     apply no longer mentions becomes 1, unless the autoscaler has changed it and so taken it over. A client-side
     apply (Helm 3) takes it away even then. (dict "root" $ "tier" "transceiver"). */}}
{{- define "antiphon.scaledReplicas" -}}
{{- $name := printf "%s-%s" (include "antiphon.fullname" .root) .tier -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace $name -}}
{{- if $live -}}
{{- $applied := false -}}
{{- $owned := false -}}
{{- range $entry := $live.metadata.managedFields -}}
{{- if eq $entry.operation "Apply" -}}
{{- $applied = true -}}
{{- $owned = or $owned (hasKey (dig "fieldsV1" "f:spec" dict $entry) "f:replicas") -}}
{{- end -}}
{{- end -}}
{{- if or $owned (not $applied) }}
replicas: {{ $live.spec.replicas }}
{{- end -}}
{{- end -}}
{{- end -}}
