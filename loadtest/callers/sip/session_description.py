"""What a telephone offers to speak, and what it is answered: https://www.rfc-editor.org/rfc/rfc3264"""

from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address

from loadtest.callers.address import Address


class Codec(Enum):
    """G.711; the value is its payload type: https://www.rfc-editor.org/rfc/rfc3551#section-6"""

    PCMU = 0
    PCMA = 8


class SdpError(ValueError):
    """An answer that no call can be made of."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Where media goes, and what."""

    address: Address
    codec: Codec


def offer(address: Address, session: int) -> bytes:
    """Both codecs, as plain RTP, RTCP at the same port."""
    host, port = address
    family = f"IP{ip_address(host).version} {host}"
    formats = " ".join(str(codec.value) for codec in Codec)
    lines = (
        "v=0",
        f"o=- {session} 1 IN {family}",
        "s=-",
        f"c=IN {family}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        *(f"a=rtpmap:{codec.value} {codec.name}/8000" for codec in Codec),
        "a=ptime:20",
        "a=rtcp-mux",
        "a=sendrecv",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def parse_answer(body: bytes) -> Answer:
    """Read what the other side takes of our offer. Raises SdpError."""
    try:
        return _parse(body.decode().splitlines())
    except (ValueError, IndexError) as error:
        raise SdpError(f"the SDP of the answer: {error}") from error


def _parse(lines: list[str]) -> Answer:
    host = media = None
    for line in lines:
        if line.startswith("m="):
            if media is not None:
                break
            media = line[2:].split()
        elif line.startswith("c="):
            # The last before the second m= line counts: that of the section, else the session's.
            host = str(ip_address(line[2:].split()[2].partition("/")[0]))
    if media is None or media[0] != "audio" or host is None:
        raise ValueError("no audio, or no address for it")
    port = int(media[1])
    if not 0 < port < 65536 or media[2] != "RTP/AVP":
        raise ValueError(f"audio is refused, or not plain RTP: {' '.join(media)}")
    return Answer((host, port), Codec(int(media[3])))
