"""Callers by telephone: SIP over UDP, and plain RTP."""
