"""What the payload types of an audio section stand for, and which of them a call uses.

https://www.rfc-editor.org/rfc/rfc3551#section-6 and https://www.rfc-editor.org/rfc/rfc7587#section-7
"""

import re
from dataclasses import dataclass

from transceiver.audio.format import Codec, OpusPreferences
from transceiver.sdp.description import MediaSection

_RTPMAP = re.compile(r"(\d{1,3}) ([!-.0-~]{1,32})/(\d{1,6})(?:/(\d{1,2}))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)

_RTCP_CONFLICTS = range(64, 96)
"""Not to be used beside RTCP on one port: https://www.rfc-editor.org/rfc/rfc5761#section-4"""

_BITRATES = range(6000, 510001)
_PLAYBACK_RATES = range(8000, 48001)


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a payload type is of; `name` is in lower case."""

    name: str
    clock_rate: int
    channels: int = 1


_STATIC = {0: Encoding("pcmu", 8000), 8: Encoding("pcma", 8000), 13: Encoding("cn", 8000)}
"""Those of RFC 3551 that need no `a=rtpmap`."""


class PayloadFormats:
    """The formats of one section, in the offerer's order of preference."""

    def __init__(self, section: MediaSection) -> None:
        self._section = section
        mapped = _mapped(section.attributes.all("rtpmap"))
        self._encodings = {
            payload_type: mapped.get(payload_type, _STATIC.get(payload_type))
            for payload_type in map(int, section.formats)
            if payload_type not in _RTCP_CONFLICTS
        }

    def codec(self) -> tuple[Codec, int] | None:
        """The codec that the call uses and its payload type: Opus before G.711."""
        codecs = self.codecs()
        opus = [each for each in codecs if each[0] is Codec.OPUS]
        return next(iter(opus + codecs), None)

    def codecs(self) -> list[tuple[Codec, int]]:
        """The codecs that we know, each with its first payload type."""
        found: dict[Codec, int] = {}
        for payload_type, encoding in self._encodings.items():
            codec = encoding and _codec(encoding)
            if codec:
                found.setdefault(codec, payload_type)
        return list(found.items())

    def telephone_event(self, clock_rate: int) -> tuple[int, int] | None:
        """The payload type and the clock rate of telephone events.

        Those of the audio's rate, as they should be; phones that offer others do send them.
        https://www.rfc-editor.org/rfc/rfc4733#section-2.1
        """
        for rate in (clock_rate, 8000, 48000):
            payload_type = self._find("telephone-event", rate)
            if payload_type is not None:
                return payload_type, rate
        return None

    def redundant(self, primary: int) -> int | None:
        """The payload type of redundant audio whose blocks are all of `primary`.

        A client need not say which formats redundant audio is of; then it is of the
        first (https://www.rfc-editor.org/rfc/rfc2198#section-5).
        """
        for payload_type, encoding in self._encodings.items():
            if encoding is None or (encoding.name, encoding.clock_rate) != ("red", 48000):
                continue
            blocks = self._fmtp(payload_type)
            if all(set(each.split("/")) == {str(primary)} for each in blocks):
                return payload_type
        return None

    def comfort_noise(self) -> int | None:
        """https://www.rfc-editor.org/rfc/rfc3389#section-4"""
        return self._find("cn", 8000)

    def parameters(self, payload_type: int) -> dict[str, str]:
        """`a=fmtp` as names, in lower case, and values; what is malformed is left out."""
        parameters: dict[str, str] = {}
        for line in self._fmtp(payload_type):
            for parameter in line.split(";"):
                name, _, value = parameter.partition("=")
                parameters[name.strip().lower()] = value.strip()
        return parameters

    def _find(self, name: str, clock_rate: int) -> int | None:
        for payload_type, encoding in self._encodings.items():
            if encoding and (encoding.name, encoding.clock_rate) == (name, clock_rate):
                return payload_type
        return None

    def _fmtp(self, payload_type: int) -> list[str]:
        lines = (line.partition(" ") for line in self._section.attributes.all("fmtp"))
        return [rest for given, _, rest in lines if given == str(payload_type)]


def opus_preferences(parameters: dict[str, str]) -> OpusPreferences:
    """Those of `a=fmtp`; one that is malformed or out of range counts as not given."""
    # A range is searched from end to end, for 14 ms, for what is not a number.
    max_bitrate = number(parameters.get("maxaveragebitrate"))
    max_playback_rate = number(parameters.get("maxplaybackrate"))
    return OpusPreferences(
        in_band_fec=parameters.get("useinbandfec") == "1",
        max_bitrate=max_bitrate if max_bitrate and max_bitrate in _BITRATES else None,
        max_playback_rate=max_playback_rate
        if max_playback_rate and max_playback_rate in _PLAYBACK_RATES
        else 48000,
        constant_bitrate=parameters.get("cbr") == "1",
    )


def _codec(encoding: Encoding) -> Codec | None:
    """Opus whatever its channels say: https://www.rfc-editor.org/rfc/rfc7587#section-7"""
    if (encoding.name, encoding.clock_rate) == ("opus", 48000):
        return Codec.OPUS
    g711 = {Encoding("pcmu", 8000): Codec.PCMU, Encoding("pcma", 8000): Codec.PCMA}
    return g711.get(encoding)


def number(text: str | None) -> int | None:
    """A decimal number, as attributes write it; None for anything else."""
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None


def _mapped(values: list[str]) -> dict[int, Encoding]:
    encodings: dict[int, Encoding] = {}
    for value in values:
        match = _RTPMAP.fullmatch(value)
        if match:
            payload_type, name, clock_rate, channels = match.groups(default="1")
            encodings[int(payload_type)] = Encoding(name.lower(), int(clock_rate), int(channels))
    return encodings
