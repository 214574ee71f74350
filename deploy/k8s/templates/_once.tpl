{{/* For what is made at the first install and never again. With hook-failed nothing that exists
     is deleted, as it would be by default; Argo CD, which cannot look up what exists, has to
     leave it alone. */}}
{{- define "antiphon.onceAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: hook-failed
argocd.argoproj.io/hook: Skip
{{- end -}}
