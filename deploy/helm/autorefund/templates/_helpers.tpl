{{- define "autorefund.labels" -}}
app.kubernetes.io/name: autorefund
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "autorefund.selector" -}}
app.kubernetes.io/name: autorefund
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "autorefund.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The pod's part of what a container of ours may not do. */}}
{{- define "autorefund.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "autorefund.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* How Kafka is reached. Takes {root, sasl}: whose name and password. */}}
{{- define "autorefund.kafkaEnv" -}}
{{- $kafka := .root.Values.kafka }}
- {name: AUTOREFUND_BROKERS, value: {{ required "kafka.brokers: at least one host:port" (join "," $kafka.brokers) | quote }}}
- {name: AUTOREFUND_SECURITY_PROTOCOL, value: {{ $kafka.securityProtocol | quote }}}
{{- if $kafka.ca.secretName }}
- {name: AUTOREFUND_TLS_CA_FILE, value: {{ printf "/etc/autorefund/ca/%s" $kafka.ca.key | quote }}}
{{- end }}
{{- if $kafka.client.secretName }}
- {name: AUTOREFUND_TLS_CERT_FILE, value: {{ printf "/etc/autorefund/client/%s" $kafka.client.certKey | quote }}}
- {name: AUTOREFUND_TLS_KEY_FILE, value: {{ printf "/etc/autorefund/client/%s" $kafka.client.keyKey | quote }}}
{{- end }}
{{- if hasPrefix "sasl_" $kafka.securityProtocol }}
- {name: AUTOREFUND_SASL_MECHANISM, value: {{ $kafka.saslMechanism | quote }}}
- {name: AUTOREFUND_SASL_USERNAME, value: {{ required "kafka.sasl.username is needed with this kafka.securityProtocol" .sasl.username | quote }}}
- {name: AUTOREFUND_SASL_PASSWORD_FILE, value: {{ printf "/etc/autorefund/sasl/%s" .sasl.key | quote }}}
{{- end }}
{{- end }}

{{- define "autorefund.kafkaMounts" -}}
{{- $kafka := .root.Values.kafka }}
{{- if $kafka.ca.secretName }}
- {name: ca, mountPath: /etc/autorefund/ca, readOnly: true}
{{- end }}
{{- if $kafka.client.secretName }}
- {name: client, mountPath: /etc/autorefund/client, readOnly: true}
{{- end }}
{{- if hasPrefix "sasl_" $kafka.securityProtocol }}
- {name: sasl, mountPath: /etc/autorefund/sasl, readOnly: true}
{{- end }}
{{- end }}

{{- define "autorefund.kafkaVolumes" -}}
{{- $kafka := .root.Values.kafka }}
{{- if $kafka.ca.secretName }}
- name: ca
  secret: {secretName: {{ $kafka.ca.secretName | quote }}, defaultMode: 0440, items: [{key: {{ $kafka.ca.key | quote }}, path: {{ $kafka.ca.key | quote }}}]}
{{- end }}
{{- if $kafka.client.secretName }}
- name: client
  secret: {secretName: {{ $kafka.client.secretName | quote }}, defaultMode: 0440}
{{- end }}
{{- if hasPrefix "sasl_" $kafka.securityProtocol }}
- name: sasl
  secret: {secretName: {{ required "kafka.sasl.secretName is needed with this kafka.securityProtocol" .sasl.secretName | quote }}, defaultMode: 0440, items: [{key: {{ .sasl.key | quote }}, path: {{ .sasl.key | quote }}}]}
{{- end }}
{{- end }}

{{/* Other settings, none of which may be one that the chart gives itself: the schema sees to it. */}}
{{- define "autorefund.settingsEnv" -}}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "autorefund.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . | quote }}}
  {{- end }}
{{- end }}
{{- end }}

{{/* Autoscaling is on, unless every worker shall stop. Empty = no. */}}
{{- define "autorefund.scaled" -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.replicas) 0) }}yes{{ end }}
{{- end }}
