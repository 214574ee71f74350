"""Where a peer is."""

Address = tuple[str, int]
"""An IP address without a zone, and a port."""
