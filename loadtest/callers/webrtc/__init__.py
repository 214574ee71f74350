"""Callers as browsers are: SDP over HTTP, ICE, DTLS, SRTP, Opus, a data channel."""
