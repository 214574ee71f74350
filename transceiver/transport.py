"""How a call's client is reached."""

from enum import Enum


class Transport(Enum):
    """How the client's events and audio travel."""

    WEBRTC = "webrtc"
    """Audio on an RTP track."""
    SIP = "sip"
    """Audio by RTP; events for sidebands alone."""
    WEBSOCKET = "websocket"
    """Audio in events: the client plays it, and says what was heard."""

    @property
    def audio_in_events(self) -> bool:
        """Otherwise the server owns the playout clock, and no event may bring audio."""
        return self is Transport.WEBSOCKET
