"""How a call's client is reached."""

from enum import Enum


class Transport(Enum):
    """How the client's events and audio travel."""

    WEBRTC = "webrtc"
    """Audio on an RTP track: the server owns the playout clock."""
    WEBSOCKET = "websocket"
    """Audio in events: the client plays it, and says what was heard."""
