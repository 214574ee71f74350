"""SDP as lines: sections and their attributes, not yet what they mean (RFC 8866).

Only what an answer must repeat is checked here. Attributes are kept as they came, so
that each reader decides what a malformed one costs: most of them nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from transceiver.sdp.direction import Direction
from transceiver.sdp.offer_error import OfferError, OfferFault

MAX_SECTIONS = 64
"""Of one description: each costs some work, and a line of the answer."""

_RTP_KINDS = ("audio", "video")

_MAX_PAYLOAD_TYPE = 127
_RTCP_PAYLOAD_TYPES = range(72, 77)
"""Reserved: RTCP's packet types without their first bit (RFC 3551 section 6)."""


class Attributes:
    """The `a=` lines of the session or of one section, in order; and its `c=` line."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self.connection: str | None = None
        """What its `c=` says."""

    def add(self, line: str) -> None:
        """`line` without its `a=`."""
        name, _, value = line.partition(":")
        self._values.setdefault(name, []).append(value.strip())

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        """The values of every attribute of this name."""
        return self._values.get(name, [])

    def first(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    @property
    def direction(self) -> Direction | None:
        return next((each for each in Direction if each.value in self._values), None)


@dataclass(frozen=True, slots=True)
class MediaSection:
    """An `m=` line and the attributes below it; `formats` has one member at least."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    attributes: Attributes
    session: Attributes
    """Of the whole session: what a section does not say itself, it may have said."""

    @property
    def mid(self) -> str:
        """Empty when it has none."""
        return self.attributes.first("mid") or ""

    @property
    def wanted(self) -> bool:
        """Whether the offerer wants it: https://www.rfc-editor.org/rfc/rfc9143#section-6"""
        return self.port != 0 or "bundle-only" in self.attributes

    @property
    def direction(self) -> Direction:
        return self.attributes.direction or self.session.direction or Direction.SENDRECV

    @property
    def connection(self) -> str | None:
        """What its `c=` says, or else the session's."""
        return self.attributes.connection or self.session.connection

    def first(self, name: str) -> str | None:
        """The value of an attribute of the section, or else of the session."""
        value = self.attributes.first(name)
        return self.session.first(name) if value is None else value

    def all(self, name: str) -> list[str]:
        """The section's values of an attribute, or else the session's."""
        return self.attributes.all(name) or self.session.all(name)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    attributes: Attributes
    sections: tuple[MediaSection, ...]

    @classmethod
    def parse(cls, text: str) -> "SessionDescription":
        """Raises OfferError."""
        lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
        if lines[0] != "v=0":
            raise _malformed("the offer does not start with v=0")
        session = Attributes()
        sections: list[MediaSection] = []
        for line in lines:
            attributes = sections[-1].attributes if sections else session
            if line.startswith("m="):
                if len(sections) >= MAX_SECTIONS:
                    raise _malformed(f"the offer has more than {MAX_SECTIONS} m= lines")
                sections.append(_media_section(line, session))
            elif line.startswith("a="):
                attributes.add(line[2:])
            elif line.startswith("c="):
                attributes.connection = line[2:]
        return cls(session, tuple(sections))

    def groups(self, semantics: str) -> Iterator[tuple[str, ...]]:
        """The mids of each group: https://www.rfc-editor.org/rfc/rfc5888#section-5"""
        for value in self.attributes.all("group"):
            named, *mids = value.split() or [""]
            if named == semantics:
                yield tuple(mids)


def _media_section(line: str, session: Attributes) -> MediaSection:
    """The answer repeats this line, so all of it must be sound."""
    kind, port, profile, *formats = line[2:].split() + [""] * 3
    formats = [each for each in formats if each]
    number = port.partition("/")[0]
    if not (formats and line.isascii() and line.isprintable()):
        raise _malformed("the offer has a malformed m= line")
    if not number.isdecimal() or len(number) > 5 or int(number) > 65535:
        raise _malformed("the offer has an m= line whose port is not a number")
    if kind in _RTP_KINDS and not all(map(_is_payload_type, formats)):
        raise _malformed("the offer has an m= line whose formats are not RTP payload types")
    return MediaSection(kind, int(number), profile, tuple(formats), Attributes(), session)


def _is_payload_type(text: str) -> bool:
    if not text.isdecimal() or len(text) > 3:
        return False
    return int(text) <= _MAX_PAYLOAD_TYPE and int(text) not in _RTCP_PAYLOAD_TYPES


def _malformed(message: str) -> OfferError:
    return OfferError(OfferFault.MALFORMED, message)
