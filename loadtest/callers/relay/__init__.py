"""Callers that only a relay and a reflector serve: authenticated checks, packets shaped as RTP.

Each has a socket, and so a flow, of its own; packets flow in compiled code.
"""
