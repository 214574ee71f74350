"""Callers by WebSocket: their audio travels in the events of the Realtime API."""
