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
