{{/* The load test: one coordinator, and the workers that place its calls. */}}

{{- define "antiphon.loadtestPort" -}}7700{{- end -}}

{{- define "antiphon.loadtestTokenSecret" -}}
{{- default (printf "%s-loadtest-token" (include "antiphon.fullname" .)) .Values.loadtest.tokenSecret -}}
{{- end -}}

{{/* The coordinator's Service in full; without the last dot, which no certificate has. */}}
{{- define "antiphon.loadtestHost" -}}
{{- include "antiphon.dnsName" (dict "root" . "name" (printf "%s-loadtest" (include "antiphon.fullname" .))) | trimSuffix "." -}}
{{- end -}}

{{- define "antiphon.loadtestTarget" -}}
{{- $service := include "antiphon.dnsName" (dict "root" . "name" (printf "%s-transceiver" (include "antiphon.fullname" .))) | trimSuffix "." -}}
{{- $scheme := ternary "https" "http" (not (empty .Values.transceiver.tls.existingSecret)) -}}
{{- default (printf "%s://%s:%s" $scheme $service (include "antiphon.transceiverServicePort" .)) .Values.loadtest.target -}}
{{- end -}}

{{/* What of a Job's pods cannot change: (dict "root" $ "component" "loadtest"
     "container" TEXT "sources" TEXT "volumes" TEXT); `sources` are further Secrets.. */}}
{{- define "antiphon.loadtestPod" -}}
{{- $loadtest := .root.Values.loadtest -}}
metadata:
  labels:
    {{- include "antiphon.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/part-of: antiphon
    {{- with .root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  # From a word to the end until all calls are hung up, and reported.
  terminationGracePeriodSeconds: 45
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
  nodeSelector:
    {{- toYaml (merge (dict) $loadtest.nodeSelector (dict "kubernetes.io/os" "linux")) | nindent 4 }}
  {{- with $loadtest.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $loadtest.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{- .container | nindent 6 }}
      {{- include "antiphon.containerBasics" (dict "root" .root "tier" "loadtest") | nindent 6 }}
  volumes:
    - name: temporary
      emptyDir: {}
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          - secret:
              name: {{ include "antiphon.loadtestTokenSecret" .root }}
              items: [{key: token, path: token}]
          {{- .sources | nindent 10 }}
    {{- .volumes | nindent 4 }}
{{- end -}}

{{/* Of the coordinator, which alone knows whom to call. */}}
{{- define "antiphon.loadtestCoordinatorPod" -}}
{{- $container := include "antiphon.loadtestCoordinatorContainer" . -}}
{{- $sources := include "antiphon.loadtestCoordinatorSecrets" . -}}
{{- $volumes := include "antiphon.loadtestCoordinatorVolumes" . -}}
{{- include "antiphon.loadtestPod" (dict "root" . "component" "loadtest" "container" $container "sources" $sources "volumes" $volumes) -}}
{{- end -}}

{{- define "antiphon.loadtestCoordinatorContainer" -}}
{{- $loadtest := .Values.loadtest -}}
name: coordinator
command: [antiphon-loadtest, coordinator]
args:
  - {{ ternary "/etc/antiphon-scenario/scenario.toml" $loadtest.scenario (not (empty $loadtest.scenarioText)) }}
  - --listen={{ include "antiphon.anyHost" . }}:{{ include "antiphon.loadtestPort" . }}
  - --workers={{ $loadtest.workers }}
  - --token-file=/etc/antiphon/token
  - {{ printf "--target=%s" (include "antiphon.loadtestTarget" .) | quote }}
  - --api-key-file=/etc/antiphon/api.keys
  - --patience-seconds={{ $loadtest.patienceSeconds }}
  - --out=/reports
  - --print-result
  {{- with $loadtest.tlsSecret }}
  - --tls-certificate=/etc/antiphon/tls.crt
  - --tls-key=/etc/antiphon/tls.key
  {{- end }}
  {{- with $loadtest.sipSecret }}
  - --sip-password-file=/etc/antiphon/sip.password
  {{- end }}
  {{- range $flag, $value := dict "model" $loadtest.model "sip" $loadtest.sip "sip-user" $loadtest.sipUser "reflector" $loadtest.reflector "label" $loadtest.label }}
  {{- if $value }}
  - {{ printf "--%s=%s" $flag $value | quote }}
  {{- end }}
  {{- end }}
ports:
  - name: workers
    containerPort: {{ include "antiphon.loadtestPort" . }}
resources:
  {{- toYaml $loadtest.coordinatorResources | nindent 2 }}
volumeMounts:
  - {name: temporary, mountPath: /tmp}
  - {name: secrets, mountPath: /etc/antiphon, readOnly: true}
  - {name: reports, mountPath: /reports}
  {{- if $loadtest.scenarioText }}
  - {name: scenario, mountPath: /etc/antiphon-scenario, readOnly: true}
  {{- end }}
{{- end -}}

{{- define "antiphon.loadtestCoordinatorSecrets" -}}
{{- $loadtest := .Values.loadtest -}}
- secret:
    name: {{ default (include "antiphon.apiKeysSecret" .) $loadtest.apiKeySecret }}
    items: [{key: api.keys, path: api.keys}]
{{- with $loadtest.tlsSecret }}
- secret:
    name: {{ . }}
    items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
{{- end }}
{{- with $loadtest.sipSecret }}
- secret:
    name: {{ . }}
    items: [{key: sip.password, path: sip.password}]
{{- end }}
{{- end -}}

{{- define "antiphon.loadtestCoordinatorVolumes" -}}
- name: reports
  {{- if .Values.loadtest.reportsClaim }}
  persistentVolumeClaim: {claimName: {{ .Values.loadtest.reportsClaim }}}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- if .Values.loadtest.scenarioText }}
- name: scenario
  configMap:
    name: {{ include "antiphon.fullname" . }}-loadtest
    items: [{key: scenario.toml, path: scenario.toml}]
{{- end }}
{{- end -}}

{{/* Of a worker: which one it is, it knows by its index. */}}
{{- define "antiphon.loadtestWorkerPod" -}}
{{- $container := include "antiphon.loadtestWorkerContainer" . -}}
{{- $sources := include "antiphon.loadtestWorkerSecrets" . -}}
{{- include "antiphon.loadtestPod" (dict "root" . "component" "loadtest-worker" "container" $container "sources" $sources "volumes" "") -}}
{{- end -}}

{{- define "antiphon.loadtestWorkerContainer" -}}
{{- $loadtest := .Values.loadtest -}}
name: worker
command: [antiphon-loadtest, worker]
args:
  - --coordinator={{ include "antiphon.loadtestHost" . }}:{{ include "antiphon.loadtestPort" . }}
  - --token-file=/etc/antiphon/token
  - --patience-seconds={{ $loadtest.patienceSeconds }}
  {{- with $loadtest.tlsSecret }}
  - --certificate-authority=/etc/antiphon/ca.crt
  {{- end }}
env:
  # https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
  - name: ANTIPHON_INDEX
    valueFrom: {fieldRef: {fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
resources:
  {{- toYaml $loadtest.resources | nindent 2 }}
volumeMounts:
  - {name: temporary, mountPath: /tmp}
  - {name: secrets, mountPath: /etc/antiphon, readOnly: true}
{{- end -}}

{{- define "antiphon.loadtestWorkerSecrets" -}}
{{- with .Values.loadtest.tlsSecret }}
- secret:
    name: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}
