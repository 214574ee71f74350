"""Imported by the process that workers are forked from, for them to find the fast path loaded."""

from relay.fast.path import precompile

precompile()
