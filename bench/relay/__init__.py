"""`make bench-relay`: what the relay costs beside its peers, under one and the same load.

README.md says what is measured, and how.
"""
