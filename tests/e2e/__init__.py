"""Whole deployments, called by real clients; what tests share of them ends with this package."""
