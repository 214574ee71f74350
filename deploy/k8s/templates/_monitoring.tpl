{{/* What Prometheus is told. They take (dict "root" $ "tier" "relay"). */}}

{{/* The admin ports of a pod, first to last, with commas between: each transceiver worker has its own. */}}
{{- define "antiphon.adminPorts" -}}
{{- $first := include (printf "antiphon.%sAdminPort" .tier) .root | int -}}
{{- $count := ternary (int .root.Values.transceiver.workers) 1 (eq .tier "transceiver") -}}
{{- join "," (untilStep $first (add $first $count | int) 1) -}}
{{- end -}}

{{/* "admin" for the first port, "admin-1" for the next: (dict "ports" LIST "port" PORT). */}}
{{- define "antiphon.adminPortName" -}}
{{- $index := sub (int .port) (int (first .ports)) -}}
{{- ternary "admin" (printf "admin-%d" $index) (eq $index 0) -}}
{{- end -}}

{{/* "true" where pods list no ports, for they would be the node's. */}}
{{- define "antiphon.hasNoPorts" -}}
{{- if and (eq .tier "relay") (eq .root.Values.relay.kind "DaemonSet") .root.Values.relay.daemonSet.hostNetwork }}true{{ end -}}
{{- end -}}

{{/* Alerts know the deployment's targets by their job. */}}
{{- define "antiphon.jobRelabeling" -}}
- {targetLabel: job, replacement: antiphon-{{ .tier }}}
{{- end -}}
