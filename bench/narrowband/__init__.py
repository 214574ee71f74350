"""`make bench-sip`: what the embedded recogniser understands over a telephone line.

README.md says what is measured, and how.
"""
