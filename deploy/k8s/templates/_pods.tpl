{{/* What the pods of all tiers have in common. They take (dict "root" $ "tier" "relay"). */}}

{{- define "antiphon.podMetadata" -}}
{{- $values := index .root.Values .tier -}}
labels:
  {{- /* No versions: pods, and calls with them, are replaced when something about them changes. */}}
  {{- include "antiphon.selectorLabels" (dict "root" .root "component" .tier) | nindent 2 }}
  app.kubernetes.io/part-of: antiphon
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "antiphon.scheduling" -}}
{{- $values := index .root.Values .tier -}}
{{- $gpu := and (eq .tier "inference") .root.Values.inference.gpu.enabled -}}
{{- with include "antiphon.priorityClassName" . }}
priorityClassName: {{ . }}
{{- end }}
{{- $nodeSelector := merge (dict) $values.nodeSelector (dict "kubernetes.io/os" "linux") -}}
{{- $tolerations := $values.tolerations -}}
{{- if $gpu }}
{{- $nodeSelector = merge (dict) $nodeSelector $values.gpu.nodeSelector }}
{{- $tolerations = concat $values.tolerations $values.gpu.tolerations }}
{{- with $values.gpu.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- end }}
nodeSelector:
  {{- toYaml $nodeSelector | nindent 2 }}
{{- with $tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if ne (include "antiphon.workloadKind" .) "DaemonSet" }}
topologySpreadConstraints:
  {{- with $values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  {{- $labels := include "antiphon.selectorLabels" (dict "root" .root "component" .tier) }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    {{- if semverCompare ">=1.27.0-0" $.root.Capabilities.KubeVersion.Version }}
    {{- /* Each revision by itself: old pods go. */}}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
    labelSelector:
      matchLabels:
        {{- $labels | nindent 8 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "antiphon.workloadKind" -}}
{{- ternary .root.Values.relay.kind "Deployment" (eq .tier "relay") -}}
{{- end -}}

{{/* Replaces pods one by one; how many there are is the autoscaler's where there is one. */}}
{{- define "antiphon.deploymentSpec" -}}
{{- $values := index .root.Values .tier -}}
{{- if eq $values.autoscaling.kind "none" }}
replicas: {{ $values.replicas }}
{{- else }}
{{- include "antiphon.scaledReplicas" . }}
{{- end }}
revisionHistoryLimit: 5
minReadySeconds: {{ $values.minReadySeconds }}
{{- /* Progress is what a rollout makes between two pods, so the longest start must fit. */}}
progressDeadlineSeconds: {{ add 900 $values.minReadySeconds $values.preStopSeconds }}
strategy:
  type: RollingUpdate
  rollingUpdate: {maxSurge: {{ $values.maxSurge }}, maxUnavailable: {{ dig "maxUnavailable" 0 $values }}}
{{- end -}}

{{- define "antiphon.podSpec" -}}
{{- $values := index .root.Values .tier -}}
serviceAccountName: {{ include "antiphon.fullname" .root }}-{{ .tier }}
{{- /* No tier asks the Kubernetes API: a token would only be something to steal. */}}
automountServiceAccountToken: false
{{- /* Services' variables begin like settings of ours. */}}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "antiphon.gracePeriod" . }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- include "antiphon.scheduling" . }}
{{- end -}}

{{/* What the hook, the drain and the closing of what is left take together, and some. */}}
{{- define "antiphon.gracePeriod" -}}
{{- $values := index .root.Values .tier -}}
{{- add (include "antiphon.preStopSeconds" . | int) $values.drainSeconds 10 -}}
{{- end -}}

{{- define "antiphon.containerBasics" -}}
image: {{ include "antiphon.image" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- include "antiphon.containerSecurity" . }}
{{- end -}}

{{- define "antiphon.containerSecurity" }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* 0 for a relay that hands its sockets over, and has no load balancer that would have to notice. */}}
{{- define "antiphon.preStopSeconds" -}}
{{- $alone := and (include "antiphon.hasHandover" .root) (not .root.Values.relay.service.enabled) -}}
{{- if and (eq .tier "relay") $alone -}}0{{- else -}}
{{- (index .root.Values .tier).preStopSeconds -}}
{{- end -}}
{{- end -}}

{{/* "true" where relays are on the nodes' network, and hand their sockets over. */}}
{{- define "antiphon.hasHandover" -}}
{{- if and (eq .Values.relay.kind "DaemonSet") .Values.relay.daemonSet.hostNetwork }}true{{ end -}}
{{- end -}}

{{- define "antiphon.preStop" -}}
{{- if include "antiphon.preStopSeconds" . | int }}
lifecycle:
  preStop:
    exec: {command: [sleep, {{ include "antiphon.preStopSeconds" . | quote }}]}
{{- end }}
{{- end -}}

{{/* Settings that every tier has. */}}
{{- define "antiphon.commonEnv" -}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: ANTIPHON_LOG_LEVEL
  value: {{ .root.Values.log.level }}
- name: ANTIPHON_LOG_FORMAT
  value: {{ .root.Values.log.format }}
- name: ANTIPHON_DRAIN_SECONDS
  value: {{ (index .root.Values .tier).drainSeconds | quote }}
{{- end -}}

{{/* Traces of the tiers that have any. */}}
{{- define "antiphon.tracingEnv" -}}
{{- with .Values.tracing }}
{{- if .otlpEndpoint }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: ANTIPHON_OTLP_ENDPOINT
  value: {{ .otlpEndpoint | quote }}
- name: ANTIPHON_TRACE_ATTRIBUTES
  value: k8s.namespace.name={{ $.Release.Namespace }},k8s.pod.name=$(POD_NAME)
{{- with .headersSecret }}
- name: ANTIPHON_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: otlp.headers}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the operator adds: settings by their flags' names, then variables as they are. */}}
{{- define "antiphon.furtherEnv" -}}
{{- $values := index .root.Values .tier -}}
{{- range $name, $value := $values.settings }}
- name: ANTIPHON_{{ $name | replace "-" "_" | upper }}
  value: {{ include "antiphon.plainValue" $value | quote }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Numbers as written, as a large one would be printed with an exponent, and switches as flags have them. */}}
{{- define "antiphon.plainValue" -}}
{{- if kindIs "bool" . -}}
{{- ternary "on" "off" . -}}
{{- else if kindIs "float64" . -}}
{{- if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}
