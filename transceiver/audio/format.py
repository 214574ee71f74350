"""What offer and answer agreed on for a call's sound."""

import enum
from dataclasses import dataclass


class Codec(enum.Enum):
    """The value is the encoding's name in SDP."""

    OPUS = "opus"
    PCMU = "PCMU"
    PCMA = "PCMA"

    @property
    def clock_rate(self) -> int:
        """RTP timestamp ticks a second, whatever rate Opus codes at (RFC 7587 section 4.1)."""
        return 48000 if self is Codec.OPUS else 8000


@dataclass(frozen=True, slots=True)
class HeaderExtensionIds:
    """The ids, 1 to 14, of RTP header extensions (https://www.rfc-editor.org/rfc/rfc8285).

    None where one is not in use.
    """

    audio_level: int | None = None
    """The client's: https://www.rfc-editor.org/rfc/rfc6464"""
    transport_sequence: int | None = None
    """https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01"""


@dataclass(frozen=True, slots=True)
class OpusPreferences:
    """What the client's Opus decoder asks of our encoder.

    https://www.rfc-editor.org/rfc/rfc7587#section-6.1
    """

    in_band_fec: bool = False
    max_bitrate: int | None = None
    """Average bits a second, 6000 to 510000."""
    max_playback_rate: int = 48000
    """The highest sampling rate in Hz that is more than waste."""
    constant_bitrate: bool = False


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How the client's packets are read, and how ours are made."""

    codec: Codec
    payload_type: int
    red_payload_type: int | None = None
    """Of redundant audio (RFC 2198) whose frames are all that Opus."""
    comfort_noise_payload_type: int | None = None
    """Of comfort noise (RFC 3389) between frames of G.711."""
    telephone_event_payload_type: int | None = None
    """Of the keys that the client presses: https://www.rfc-editor.org/rfc/rfc4733"""
    telephone_event_rate: int = 8000
    """Their RTP timestamp ticks a second, as SDP says them."""
    frame_ms: int = 20
    """What each of our packets lasts: 10, 20, 40 or 60. The client's may last anything."""
    extensions: HeaderExtensionIds = HeaderExtensionIds()
    transport_feedback: bool = False
    """Whether the client awaits transport-wide feedback on the packets that it sends."""
    opus: OpusPreferences = OpusPreferences()
