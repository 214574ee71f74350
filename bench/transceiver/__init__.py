"""`make bench-transceiver`: what the transceiver costs beside stock aiortc, and how it sounds.

README.md says what is measured, and how.
"""
