"""The messages of RFC 4475, out of the RFC's notation for them."""

import re
from pathlib import Path

_FILE = Path(__file__).parents[2] / "vectors" / "sip_rfc4475.txt"
_REPEAT = re.compile(r"<repeat count=(\d+)>(.*?)</repeat>")
_ONE_LINE = re.compile(r"<allOneLine>\n(.*?)\n</allOneLine>", re.DOTALL)
_HEX = re.compile(r"<hex>([0-9A-F\s]*)</hex>")


def torture_messages() -> dict[str, bytes]:
    """By the RFC's names for them."""
    _, *blocks = _FILE.read_text().split("\n=== ")
    found = {}
    for block in blocks:
        title, _, text = block.partition("\n")
        found[title.split()[1]] = _message(text)
    return found


def _message(text: str) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc4475#section-2"""
    one_line = _ONE_LINE.sub(lambda match: match[1].replace("\n", ""), text)
    repeated = _REPEAT.sub(lambda match: match[2] * int(match[1]), one_line)
    message = b""
    position = 0
    for match in _HEX.finditer(repeated):
        message += _crlf(repeated[position : match.start()]) + bytes.fromhex(match[1])
        position = match.end()
    message += _crlf(repeated[position:])
    return message + b"\r\n"


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
