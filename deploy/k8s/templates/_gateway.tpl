{{/* The port of the Realtime API's Service. */}}
{{- define "antiphon.transceiverServicePort" -}}
{{- $service := .Values.transceiver.service -}}
{{- default (ternary 443 80 (not (empty .Values.transceiver.tls.existingSecret))) $service.port -}}
{{- end -}}
