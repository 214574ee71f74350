"""How much the relay takes of a datagram, whichever code receives it."""

PUBLIC_BYTES = 2048
"""From a client: WebRTC keeps its datagrams under 1280 to 1500 bytes. What fills the buffer may
have been cut short, and is dropped."""

TUNNEL_BYTES = 65535
"""From an owner: one tunnel datagram may carry many frames."""
