"""Hands a scenario's calls to workers, and gathers what they measure."""
