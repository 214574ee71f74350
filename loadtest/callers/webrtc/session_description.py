"""The offer of a caller, as a browser would write it, and what it reads in the answer.

https://www.rfc-editor.org/rfc/rfc8866, https://www.rfc-editor.org/rfc/rfc8829
"""

import re
from dataclasses import dataclass

from loadtest.callers.address import Address

OPUS, RED = 111, 63
SCTP_PORT = 5000
MAX_MESSAGE_BYTES = 262_144

MOST_CANDIDATES = 16
"""Of an answer: all are checked, and no server shall have a caller send to a thousand others."""


class AnswerError(ValueError):
    """An answer that a caller cannot use."""


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """The caller's end."""

    ufrag: str
    password: str
    address: Address
    fingerprint: str
    """Of its certificate: SHA-256, hexadecimal with colons."""
    ssrc: int
    red: bool = False
    data_channel: bool = False


@dataclass(frozen=True, slots=True)
class RemoteDescription:
    """The server's end."""

    ufrag: bytes
    password: bytes
    addresses: tuple[Address, ...]
    """Its candidates' by UDP, the one it prefers first."""
    fingerprint: str
    dtls_client: bool
    """Whether the server takes that role."""
    opus: int
    """Payload types, of what it wants to be sent."""
    red: int | None
    data_channel: bool


def offer(local: LocalDescription) -> str:
    """Audio both ways, with a candidate, as a client has one once it gathered them."""
    host, port = local.address
    transport = (
        f"c=IN {'IP6' if ':' in host else 'IP4'} {host}",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:actpass",
        f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
        "a=end-of-candidates",
    )
    lines = [
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"),
        f"a=group:BUNDLE {'0 1' if local.data_channel else '0'}",
        f"m=audio {port} UDP/TLS/RTP/SAVPF {OPUS}{f' {RED}' if local.red else ''}",
        *(*transport, "a=mid:0", "a=sendrecv", "a=rtcp-mux"),
        *(f"a=rtpmap:{OPUS} opus/48000/2", f"a=fmtp:{OPUS} minptime=10;useinbandfec=1"),
        *((f"a=rtpmap:{RED} red/48000/2", f"a=fmtp:{RED} {OPUS}/{OPUS}") if local.red else ()),
        f"a=ssrc:{local.ssrc} cname:caller",
    ]
    if local.data_channel:
        lines += [
            f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
            *(*transport, "a=mid:1", f"a=sctp-port:{SCTP_PORT}"),
            f"a=max-message-size:{MAX_MESSAGE_BYTES}",
        ]
    return "".join(f"{line}\r\n" for line in lines)


def parse_answer(sdp: str) -> RemoteDescription:
    """Read what the first section says, which the others share. Raises AnswerError."""
    audio, _, application = sdp.replace("\r\n", "\n").partition("\nm=application")
    return RemoteDescription(
        ufrag=_find(audio, r"a=ice-ufrag:(\S+)").encode(),
        password=_find(audio, r"a=ice-pwd:(\S+)").encode(),
        addresses=_addresses(audio),
        fingerprint=_find(audio, r"a=fingerprint:sha-256 (\S+)").upper(),
        dtls_client=_find(audio, r"a=setup:(active|passive)") == "active",
        opus=int(_find(audio, r"a=rtpmap:(\d+) opus/48000")),
        red=_red(audio),
        data_channel=application.startswith(" ") and not application.startswith(" 0 "),
    )


def _addresses(audio: str) -> tuple[Address, ...]:
    pattern = r"^a=candidate:\S+ 1 udp (\d+) ([\d.]+|[\da-f:]+:[\da-f:.]*) (\d+) typ"
    found = re.findall(pattern, audio, re.IGNORECASE | re.MULTILINE)
    if not found:
        raise AnswerError("the answer has no candidate by UDP")
    ordered = sorted(found, key=lambda each: -int(each[0]))
    distinct = dict.fromkeys((host, int(port)) for _priority, host, port in ordered)
    addresses = tuple(distinct)[:MOST_CANDIDATES]
    if any(port > 0xFFFF for _host, port in addresses):
        raise AnswerError("the answer has a candidate with no port")
    return addresses


def _red(audio: str) -> int | None:
    """Its payload type, where the server prefers that to bare Opus."""
    red = re.search(r"^a=rtpmap:(\d+) red/48000", audio, re.MULTILINE)
    preferred = _find(audio, r"m=audio \d+ \S+ (\d+)")
    return int(preferred) if red is not None and red[1] == preferred else None


def _find(text: str, pattern: str) -> str:
    match = re.search(rf"^{pattern}", text, re.MULTILINE)
    if match is None:
        raise AnswerError(f"the answer lacks {pattern}")
    return match[1]
