"""ICE candidates in SDP: https://www.rfc-editor.org/rfc/rfc8839#section-5.1"""

import re

from antiphon_proto.address import Address
from transceiver.sdp.media_address import LEAST_PORT, parse_host

MAX_CANDIDATES = 64
"""Lines of one section that are read."""

_CANDIDATE = re.compile(
    r"[0-9A-Za-z+/]{1,32} (?P<component>\d{1,3}) (?P<transport>\w{1,8}) (?P<priority>\d{1,10})"
    r" (?P<host>[0-9A-Fa-f:.]{2,45}) (?P<port>\d{1,5}) typ \w+(?: .*)?",
    re.ASCII,
)


def read_candidates(values: list[str]) -> tuple[Address, ...]:
    """The addresses at which RTP may be had by UDP, the most wanted first.

    Names, as browsers write them to hide addresses, are left out.
    """
    found: dict[Address, int] = {}
    for match in map(_CANDIDATE.fullmatch, values[:MAX_CANDIDATES]):
        if match is None or match["component"] != "1" or match["transport"].upper() != "UDP":
            continue
        host, port = parse_host(match["host"]), int(match["port"])
        if host is not None and LEAST_PORT <= port <= 0xFFFF:
            found.setdefault((str(host), port), int(match["priority"]))
    return tuple(sorted(found, key=lambda each: -found[each]))
