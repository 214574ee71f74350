{{/* Ports and addresses. */}}

{{- define "antiphon.relayTunnelPort" -}}40000{{- end -}}
{{- define "antiphon.relayAdminPort" -}}8081{{- end -}}
{{- define "antiphon.relayPublicPort" -}}
{{- ternary .Values.relay.service.port 3478 (eq (include "antiphon.hasHandover" .) "true") -}}
{{- end -}}
{{- define "antiphon.transceiverTunnelPort" -}}7000{{- end -}}
{{- define "antiphon.transceiverAdminPort" -}}8083{{- end -}}
{{- define "antiphon.transceiverHttpPort" -}}8080{{- end -}}
{{- define "antiphon.inferenceGrpcPort" -}}50051{{- end -}}
{{- define "antiphon.inferenceAdminPort" -}}8082{{- end -}}

{{/* The tunnel's ports at a transceiver, one a worker: FIRST, or FIRST-LAST. */}}
{{- define "antiphon.transceiverTunnelPorts" -}}
{{- $first := include "antiphon.transceiverTunnelPort" . | int -}}
{{- $more := sub (int .Values.transceiver.workers) 1 -}}
{{- $first }}{{ if $more }}-{{ add $first $more }}{{ end -}}
{{- end -}}

{{/* "true" where pods are reached by IPv6 first. */}}
{{- define "antiphon.isIPv6" -}}
{{- if eq (first .Values.network.ipFamilies) "IPv6" }}true{{ end -}}
{{- end -}}

{{/* Any address of the first family. */}}
{{- define "antiphon.anyHost" -}}
{{- ternary "[::]" "0.0.0.0" (eq (include "antiphon.isIPv6" .) "true") -}}
{{- end -}}

{{/* The pod's own address, from the variable POD_IP that must stand before. */}}
{{- define "antiphon.podHost" -}}
{{- ternary "[$(POD_IP)]" "$(POD_IP)" (eq (include "antiphon.isIPv6" .) "true") -}}
{{- end -}}

{{/* Where the relay listens to clients: one address of each family, or the one that nodes have for it. */}}
{{- define "antiphon.relayPublic" -}}
{{- $port := include "antiphon.relayPublicPort" . -}}
{{- $own := ternary .Values.relay.daemonSet.address "" (eq (include "antiphon.hasHandover" .) "true") -}}
{{- $addresses := list -}}
{{- if eq $own "node" -}}
{{- $addresses = append $addresses (printf "%s:%s" (include "antiphon.podHost" .) $port) -}}
{{- else if $own -}}
{{- $addresses = append $addresses (printf "%s:%s" (ternary (printf "[%s]" $own) $own (contains ":" $own)) $port) -}}
{{- else -}}
{{- range .Values.network.ipFamilies -}}
{{- $addresses = append $addresses (printf "%s:%s" (ternary "[::]" "0.0.0.0" (eq . "IPv6")) $port) -}}
{{- end -}}
{{- end -}}
{{- join "," $addresses -}}
{{- end -}}

{{/* Families of a Service whose pods listen by all of them. */}}
{{- define "antiphon.allFamilies" -}}
ipFamilyPolicy: {{ ternary "RequireDualStack" "SingleStack" (gt (len .Values.network.ipFamilies) 1) }}
ipFamilies: {{ toJson .Values.network.ipFamilies }}
{{- end -}}

{{/* Of all other Services: a pod with two addresses in the DNS would be two to those who look. */}}
{{- define "antiphon.ipFamilies" -}}
ipFamilyPolicy: SingleStack
ipFamilies: [{{ first .Values.network.ipFamilies }}]
{{- end -}}

{{/* --advertise where it is given: IP or IP:PORT, IPv6 in brackets where a port follows. */}}
{{- define "antiphon.givenAdvertise" -}}
{{- $given := .Values.relay.advertise -}}
{{- $port := .Values.relay.service.port -}}
{{- if regexMatch `^(\d+\.){3}\d+$` $given -}}
{{- printf "%s:%v" $given $port -}}
{{- else if regexMatch `^\[?[0-9a-fA-F]*(:[0-9a-fA-F]*){2,7}\]?$` $given -}}
{{- printf "[%s]:%v" (trimAll "[]" $given) $port -}}
{{- else -}}
{{- $given -}}
{{- end -}}
{{- end -}}

{{/* "true" where transceivers have to find the relay's address. */}}
{{- define "antiphon.findsAdvertise" -}}
{{- if not .Values.relay.advertise }}true{{ end -}}
{{- end -}}

{{/* Relays as peers of a NetworkPolicy: on the nodes' network they are no pods to it. */}}
{{- define "antiphon.relayPeers" -}}
{{- if include "antiphon.hasHandover" . -}}
{{- range .Values.networkPolicy.nodes }}
- ipBlock: {cidr: {{ . | quote }}}
{{- end }}
{{- else }}
- podSelector:
    matchLabels:
      {{- include "antiphon.selectorLabels" (dict "root" . "component" "relay") | nindent 6 }}
{{- end }}
{{- end -}}
