{{/* What is wrong with the values of scaling, gateways and monitoring: a JSON list of messages. */}}
{{- define "antiphon.optionalProblems" -}}
{{- $problems := list -}}
{{- $keda := list -}}
{{- range $tier := list "relay" "transceiver" "inference" -}}
{{- $autoscaling := (index $.Values $tier).autoscaling -}}
{{- if ne $autoscaling.kind "none" -}}
{{- if lt (int $autoscaling.maxReplicas) (int $autoscaling.minReplicas) -}}
{{- $problems = append $problems (printf "%s.autoscaling.maxReplicas: %v is below minReplicas, %v" $tier $autoscaling.maxReplicas $autoscaling.minReplicas) -}}
{{- end -}}
{{- if not (dig "requests" "cpu" "" (index $.Values $tier).resources) -}}
{{- $problems = append $problems (printf "%s.resources.requests.cpu: needed with %s.autoscaling.kind %s: cpuPercent is of that" $tier $tier $autoscaling.kind) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $autoscaling.kind "keda") $autoscaling.sessionsPerWorker -}}
{{- $keda = append $keda $tier -}}
{{- end -}}
{{- end -}}
{{- if and $keda (not .Values.keda.prometheusUrl) -}}
{{- $problems = append $problems (printf "keda.prometheusUrl: needed with autoscaling.kind keda of %s: where KEDA asks for the sessions" (join ", " $keda)) -}}
{{- end -}}
{{- if and (ne .Values.relay.autoscaling.kind "none") (eq .Values.relay.kind "DaemonSet") -}}
{{- $problems = append $problems "relay.autoscaling.kind: a DaemonSet has as many relays as there are nodes; leave it none" -}}
{{- end -}}
{{- $inference := .Values.inference -}}
{{- if and (ne $inference.autoscaling.kind "none") (ge (int $inference.autoscaling.sessionsPerWorker) (int $inference.maxSessions)) -}}
{{- $problems = append $problems (printf "inference.autoscaling.sessionsPerWorker: must be below inference.maxSessions, %v, else replicas are full before there are more" $inference.maxSessions) -}}
{{- end -}}
{{- range $name, $gateway := .Values.gateway -}}
{{- if and $gateway.enabled (not $gateway.parentRefs) -}}
{{- $problems = append $problems (printf "gateway.%s.parentRefs: needed with gateway.%s.enabled: the gateway that the route belongs to" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.gateway.http.enabled .Values.gateway.tcp.enabled -}}
{{- $problems = append $problems "gateway: http and tcp both lead to the Realtime API; choose where TLS ends" -}}
{{- end -}}
{{- if and .Values.gateway.tcp.enabled (not .Values.transceiver.tls.existingSecret) -}}
{{- $problems = append $problems "transceiver.tls.existingSecret: needed with gateway.tcp.enabled: TLS ends at transceivers" -}}
{{- end -}}
{{- if and .Values.gateway.udp.enabled (not .Values.relay.advertise) -}}
{{- $problems = append $problems "relay.advertise: needed with gateway.udp.enabled: the gateway's address, which clients send media to" -}}
{{- end -}}
{{- if and .Values.gateway.udp.enabled (not .Values.relay.service.enabled) -}}
{{- $problems = append $problems "relay.service.enabled: needed with gateway.udp.enabled; its type may be ClusterIP" -}}
{{- end -}}
{{- if and (ne .Values.monitoring.kind "none") .Values.networkPolicy.enabled (not .Values.networkPolicy.metricsFrom) -}}
{{- $problems = append $problems "networkPolicy.metricsFrom: needed with monitoring.kind: the peers that Prometheus scrapes from, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]" -}}
{{- end -}}
{{- toJson $problems -}}
{{- end -}}
