"""The offer of a load client, as a browser would write it, and what it reads in the answer."""

import re
from dataclasses import dataclass

from antiphon_proto.address import Address
from transceiver.fingerprint import Fingerprint

OPUS, RED = 111, 63
SCTP_PORT = 5000


class AnswerError(ValueError):
    """An answer that a load client cannot use."""


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """The client's end of the call."""

    ufrag: str
    password: str
    address: Address
    fingerprint: Fingerprint
    ssrc: int
    red: bool = False
    data_channel: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's end of the call."""

    ufrag: bytes
    password: bytes
    address: Address
    fingerprint: Fingerprint
    dtls_client: bool
    """Whether the server takes that role."""
    payload_type: int
    """Of its first format: what it would rather have us send."""


def offer(local: LocalParameters) -> str:
    """Audio both ways, with a candidate, as a client has one once it gathered them."""
    host, port = local.address
    transport = (
        f"c=IN IP4 {host}",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint}",
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
        f"a=ssrc:{local.ssrc} cname:load",
    ]
    if local.data_channel:
        lines += [
            f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
            *(*transport, "a=mid:1", f"a=sctp-port:{SCTP_PORT}", "a=max-message-size:262144"),
        ]
    return "".join(f"{line}\r\n" for line in lines)


def parse_answer(sdp: str) -> Answer:
    """Read the first section of it. Raises AnswerError, FingerprintError."""
    audio = sdp.partition("\nm=application")[0]
    algorithm, digest = _find(audio, r"a=fingerprint:(sha-256) (\S+)")
    # Of several addresses of a host any will do.
    host, port = _find(audio, r"a=candidate:\S+ 1 [uU][dD][pP] \d+ ([\d.]+) (\d+) typ host")
    return Answer(
        ufrag=_find(audio, r"a=ice-ufrag:(\S+)")[0].encode(),
        password=_find(audio, r"a=ice-pwd:(\S+)")[0].encode(),
        address=(host, int(port)),
        fingerprint=Fingerprint.parse(algorithm, digest),
        dtls_client=_find(audio, r"a=setup:(\w+)")[0] == "active",
        payload_type=int(_find(audio, r"m=audio \d+ \S+ (\d+)")[0]),
    )


def _find(text: str, pattern: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    if match is None:
        raise AnswerError(f"the answer lacks {pattern}")
    return match.groups()
