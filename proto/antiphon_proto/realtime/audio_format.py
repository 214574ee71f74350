"""Formats of audio inside events. Audio on an RTP track has its own, negotiated in SDP."""

from typing import Literal

from msgspec import Struct


class Pcm(Struct, frozen=True, tag_field="type", tag="audio/pcm"):
    """Signed 16 bit little endian, mono."""

    rate: Literal[24000] = 24000


class Pcmu(Struct, frozen=True, tag_field="type", tag="audio/pcmu"):
    """G.711 mu-law, 8 kHz."""


class Pcma(Struct, frozen=True, tag_field="type", tag="audio/pcma"):
    """G.711 A-law, 8 kHz."""


AudioFormat = Pcm | Pcmu | Pcma
