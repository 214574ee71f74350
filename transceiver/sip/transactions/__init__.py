"""Requests, and what answers them, over transports that may lose, repeat and reorder.

https://www.rfc-editor.org/rfc/rfc3261#section-17, with the corrections of
https://www.rfc-editor.org/rfc/rfc6026
"""
