"""Callers, by the door that they come in by.

They import nothing of ours but `loadtest` and the event types of `antiphon_proto.realtime`.
"""
