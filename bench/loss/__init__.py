"""`make bench-loss`: what the model hears of a caller whose packets get lost.

README.md says what is measured, and how.
"""
