"""OpenTelemetry traces: spans of calls, and their way to a collector by OTLP."""
