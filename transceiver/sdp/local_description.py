"""What we say of our media to a SIP peer, in offers and answers."""

from collections.abc import Iterator
from dataclasses import dataclass

from antiphon_proto.address import Address, family_of
from transceiver.audio.format import AudioFormat
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.codec_attributes import codec_attributes, comfort_noise_attributes
from transceiver.sdp.crypto_attribute import Crypto
from transceiver.sdp.direction import Direction
from transceiver.sdp.header_extension import HeaderExtension
from transceiver.sdp.offer import Section

_EVENTS = "0-15"
"""The keys 0 to 9, *, # and A to D: https://www.rfc-editor.org/rfc/rfc4733#section-3.2"""

_TRACK = "antiphon agent"


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """One audio section in its place among others, which are all rejected."""

    address: Address
    sections: tuple[Section, ...]
    """Of all the session; the audio one's profile is ours."""
    audio: int
    formats: tuple[AudioFormat, ...]
    """The most wanted first."""
    direction: Direction
    bundled: bool = False
    multiplexed: bool = True
    """Whether to say a=rtcp-mux; RTCP comes to the same port in any case."""
    ice: IceCredentials | None = None
    ice_mismatch: bool = False
    cryptos: tuple[Crypto, ...] = ()
    fingerprint: Fingerprint | None = None
    setup: str = ""
    extensions: tuple[HeaderExtension, ...] = ()

    def text(self, session_id: int, version: int) -> str:
        """The SDP, of which `version` is to change when anything else does."""
        host = f"IN IP{family_of(self.address[0])} {self.address[0]}"
        mid = self.sections[self.audio].mid
        lines = [
            "v=0",
            f"o=- {session_id} {version} {host}",
            "s=-",
            f"c={host}",
            "t=0 0",
            *([f"a=group:BUNDLE {mid}"] if self.bundled else []),
        ]
        for index, section in enumerate(self.sections):
            lines += self._audio(section) if index == self.audio else _rejection(section)
        return "".join(f"{line}\r\n" for line in lines)

    def _audio(self, section: Section) -> Iterator[str]:
        formats = dict(_formats(self.formats))
        yield f"m=audio {self.address[1]} {section.profile} {' '.join(map(str, formats))}"
        if section.mid:
            yield f"a=mid:{section.mid}"
        yield from self._keys()
        yield from self._ice()
        yield f"a={self.direction.value}"
        if self.multiplexed:
            yield "a=rtcp-mux"
        if self.ice is None:
            yield f"a=rtcp:{self.address[1]}"
        for lines in formats.values():
            yield from lines
        yield from self._extensions()
        yield f"a=ptime:{self.formats[0].frame_ms}"
        if section.profile.endswith("F"):
            yield f"a=msid:{_TRACK}"

    def _keys(self) -> Iterator[str]:
        yield from (f"a=crypto:{crypto}" for crypto in self.cryptos)
        if self.fingerprint is not None:
            yield f"a=fingerprint:{self.fingerprint}"
            yield f"a=setup:{self.setup}"

    def _ice(self) -> Iterator[str]:
        if self.ice_mismatch:
            yield "a=ice-mismatch"
        if self.ice is not None:
            yield f"a=ice-ufrag:{self.ice.ufrag}"
            yield f"a=ice-pwd:{self.ice.password}"
            host, port = self.address
            yield f"a=candidate:1 1 UDP 2130706431 {host} {port} typ host"
            yield "a=end-of-candidates"

    def _extensions(self) -> Iterator[str]:
        yield from (f"a=extmap:{extension.answer()}" for extension in self.extensions)
        audio = self.formats[0]
        if audio.transport_feedback:
            yield f"a=rtcp-fb:{audio.payload_type} transport-cc"
            yield "a=rtcp-rsize"


def _formats(formats: tuple[AudioFormat, ...]) -> Iterator[tuple[int, list[str]]]:
    """The payload types and their attributes: codecs, then what goes beside them."""
    for audio in formats:
        yield from codec_attributes(audio)
    for audio in formats:
        yield from comfort_noise_attributes(audio)
        event = audio.telephone_event_payload_type
        if event is not None:
            mapped = f"a=rtpmap:{event} telephone-event/{audio.telephone_event_rate}"
            yield event, [mapped, f"a=fmtp:{event} {_EVENTS}"]


def _rejection(section: Section) -> Iterator[str]:
    """https://www.rfc-editor.org/rfc/rfc3264#section-6"""
    yield f"m={section.kind} 0 {section.profile} {section.formats}"
    if section.mid:
        yield f"a=mid:{section.mid}"
    yield "a=inactive"
