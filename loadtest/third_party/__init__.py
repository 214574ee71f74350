"""Servers of others that speak the same protocol, to be measured by the same callers."""
