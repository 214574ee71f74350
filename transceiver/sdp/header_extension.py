"""RTP header extensions in SDP: https://www.rfc-editor.org/rfc/rfc8285#section-5"""

import re
from dataclasses import dataclass

from transceiver.sdp.description import MediaSection
from transceiver.sdp.direction import Direction

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

_EXTMAP = re.compile(
    r"(?P<id>\d{1,5})(?:/(?P<direction>sendrecv|sendonly|recvonly|inactive))? (?P<uri>\S+)(?: .*)?",
    re.ASCII,
)
_IDS = range(1, 15)
"""Those of the one-byte header; 15 is reserved."""


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """One that the client sends to us; `direction` is the client's word, if it said one."""

    id: int
    uri: str
    direction: Direction | None

    def answer(self) -> str:
        """The value of its `a=extmap` from our side."""
        direction = f"/{self.direction.mirrored.value}" if self.direction else ""
        return f"{self.id}{direction} {self.uri}"


def sent_extensions(section: MediaSection) -> dict[str, HeaderExtension]:
    """By URI, those of the section's and the session's that the client means to send.

    One whose line is malformed, or whose id another one has, counts as not offered.
    """
    found: dict[str, HeaderExtension] = {}
    ids: set[int] = set()
    for value in [*section.attributes.all("extmap"), *section.session.all("extmap")]:
        match = _EXTMAP.fullmatch(value)
        if match is None or int(match["id"]) not in _IDS or int(match["id"]) in ids:
            continue
        direction = Direction(match["direction"]) if match["direction"] else None
        extension = HeaderExtension(int(match["id"]), match["uri"], direction)
        ids.add(extension.id)
        if (direction or section.direction).sends:
            found.setdefault(extension.uri, extension)
    return found
