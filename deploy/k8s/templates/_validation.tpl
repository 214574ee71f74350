{{/* What a schema cannot say, as it is about several values. Messages begin with the value's name. */}}

{{- define "antiphon.validate" -}}
{{- $problems := list -}}
{{- $relay := .Values.relay -}}
{{- $needsAddress := or (not $relay.service.enabled) (ne $relay.service.type "LoadBalancer") -}}
{{- if and (not $relay.advertise) $needsAddress -}}
{{- $problems = append $problems "relay.advertise: needed where relay.service is no LoadBalancer that could tell the address: the IP address by which clients reach the relays" -}}
{{- end -}}
{{- if not (regexMatch `^(|(\d{1,3}\.){3}\d{1,3}(:\d+)?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|\[[0-9A-Fa-f:.]+\](:\d+)?)$` $relay.advertise) -}}
{{- $problems = append $problems (printf "relay.advertise: expected an IP address or IP:PORT, as clients are told addresses and no names, not %q" $relay.advertise) -}}
{{- end -}}
{{- if and $relay.phonePorts.range (eq $relay.kind "Deployment") (or (ne (int $relay.replicas) 1) (not $relay.service.enabled)) -}}
{{- $problems = append $problems "relay.phonePorts.range: each relay has its own, so it needs relay.kind DaemonSet, or relay.replicas 1 and relay.service.enabled" -}}
{{- end -}}
{{- if and $relay.clusters (not $relay.remoteRelays) -}}
{{- $problems = append $problems "relay.remoteRelays: needed with relay.clusters: the networks of those clusters' relays" -}}
{{- end -}}
{{- if and (eq $relay.kind "DaemonSet") $relay.daemonSet.hostNetwork .Values.networkPolicy.enabled (not .Values.networkPolicy.nodes) -}}
{{- $problems = append $problems "networkPolicy.nodes: needed with relay.daemonSet.hostNetwork: the nodes' networks, whose addresses relays have" -}}
{{- end -}}
{{- if and $relay.daemonSet.address (ne $relay.daemonSet.address "node") (include "antiphon.hasHandover" .) $relay.service.enabled -}}
{{- $problems = append $problems "relay.service.enabled: a Service sends to the nodes' own addresses, where relays do not listen with this relay.daemonSet.address" -}}
{{- end -}}
{{- if and .Values.sip.enabled (not .Values.sip.advertise) -}}
{{- $problems = append $problems "sip.advertise: needed with sip.enabled: the name or address by which phones and trunks reach the SIP Service" -}}
{{- end -}}
{{- if and .Values.sip.tlsPort (not .Values.transceiver.tls.existingSecret) -}}
{{- $problems = append $problems "transceiver.tls.existingSecret: needed with sip.tlsPort: the certificate" -}}
{{- end -}}
{{- if ne (empty .Values.transceiver.webhook.url) (empty .Values.transceiver.webhook.existingSecret) -}}
{{- $problems = append $problems "transceiver.webhook: url and existingSecret need one another" -}}
{{- end -}}
{{- if and .Values.vllm.enabled (not .Values.vllm.model) -}}
{{- $problems = append $problems "vllm.model: needed with vllm.enabled: an id on Hugging Face" -}}
{{- end -}}
{{- if and (eq .Values.inference.engine "native") (not .Values.inference.native.model) -}}
{{- $problems = append $problems "inference.native.model: needed with inference.engine native" -}}
{{- end -}}
{{- range $server := list "llm" "expert" "asr" "tts" -}}
{{- $values := index $.Values.inference $server -}}
{{- $own := and (eq $server "llm") $.Values.vllm.enabled -}}
{{- if and $values.urls (not $values.model) (not $own) -}}
{{- $problems = append $problems (printf "inference.%s.model: needed with inference.%s.urls" $server $server) -}}
{{- end -}}
{{- if and $values.urls $.Values.networkPolicy.enabled (not $.Values.networkPolicy.inferenceEgress) -}}
{{- $problems = append $problems (printf "networkPolicy.inferenceEgress: needed with inference.%s.urls: rules that let inference reach these servers; [{}] lets it reach everything" $server) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.inferenceEgress) -}}
{{- $downloads := and .Values.inference.native.model (not (hasPrefix "/" .Values.inference.native.model)) -}}
{{- range $name, $given := dict "tracing.otlpEndpoint" .Values.tracing.otlpEndpoint "inference.native.model" $downloads -}}
{{- if $given -}}
{{- $problems = append $problems (printf "networkPolicy.inferenceEgress: needed with %s: rules that let inference reach it; [{}] lets it reach everything" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.transceiverEgress) -}}
{{- $reasons := dict "transceiver.webhook.url" .Values.transceiver.webhook.url "transceiver.mcpServers" .Values.transceiver.mcpServers "transceiver.resume.existingSecret" .Values.transceiver.resume.existingSecret "tracing.otlpEndpoint" .Values.tracing.otlpEndpoint "transceiver.zones" (regexMatch `(?m)(^|[\s.{,])api\s*=` .Values.transceiver.zones) -}}
{{- range $name, $given := $reasons -}}
{{- if $given -}}
{{- $problems = append $problems (printf "networkPolicy.transceiverEgress: needed with %s: rules that let transceivers reach it; [{}] lets them reach everything" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.loadtest.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.loadtestEgress) -}}
{{- range $name := list "target" "sip" "reflector" -}}
{{- if index $.Values.loadtest $name -}}
{{- $problems = append $problems (printf "networkPolicy.loadtestEgress: needed with loadtest.%s: rules that let its workers reach it; [{}] lets them reach everything" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.loadtest.enabled .Values.loadtest.target (not .Values.loadtest.apiKeySecret) -}}
{{- $problems = append $problems "loadtest.apiKeySecret: needed with loadtest.target: a key of that deployment" -}}
{{- end -}}
{{- if and .Values.loadtest.enabled .Values.keys.api.lines (not .Values.loadtest.apiKeySecret) -}}
{{- $problems = append $problems "loadtest.apiKeySecret: needed with keys.api.lines, which may be digests: a key" -}}
{{- end -}}
{{- $problems = concat $problems (include "antiphon.optionalProblems" . | fromJsonArray) -}}
{{- if $problems -}}
{{- fail (printf "\n\nThese values cannot be used:\n\n- %s\n" (join "\n- " $problems)) -}}
{{- end -}}
{{- end -}}
