"""Header fields that hold a list, taken apart where the list says and nowhere else.

sipmessage's lists end a quoted string at the last quote there is: two contacts with display
names were one for it. So a list is split here first, and each of its values parsed by itself.

https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
"""

import re

from sipmessage import URI, Address, Headers

MAX_VALUE_CHARS = 1024
"""Of one address or Via: sipmessage's patterns may take time by the square of its length."""

# A quoted string without an end takes all that is left: looking for it again would take long.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?$)|<[^<>]*>|[^,"<]+|<', re.DOTALL)
_LONG_NUMBER = re.compile(r"tel:[^;>]{129}")
_TOKENS = re.compile(r"[^,\s]+")


def split_values(field: str) -> list[str]:
    """The values of one field: separated by commas, but for those within "" and <>."""
    values = [""]
    position = 0
    while position < len(field):
        piece = _PIECE.match(field, position)
        if piece is None:
            values.append("")
            position += 1
        else:
            values[-1] += piece[0]
            position = piece.end()
    return [value.strip() for value in values]


def header_values(headers: Headers, name: str) -> list[str]:
    """The values of all the fields of that name, in order."""
    return [value for field in headers.getlist(name) for value in split_values(field)]


def header_tokens(headers: Headers, name: str) -> list[str]:
    """What a list of tokens holds, in lower case: Require, Supported, ..."""
    return [token.lower() for field in headers.getlist(name) for token in _TOKENS.findall(field)]


def header_addresses(headers: Headers, name: str) -> list[Address]:
    """The addresses of Contact, Route, ... Raises ValueError."""
    return [parse_address(value) for value in header_values(headers, name)]


def parse_address(value: str) -> Address:
    """One name-addr or addr-spec. Raises ValueError."""
    return Address.parse(_bounded(value))


def parse_uri(text: str) -> URI:
    """Raises ValueError."""
    return URI.parse(_bounded(text))


def uri_text(address: str) -> str:
    """The URI within a name-addr or addr-spec that was parsed, as it was written."""
    inside = re.search(r"<([^<>]*)>", re.sub(r'"(?:[^"\\]|\\.)*"', "", address))
    return (inside[1] if inside else address.partition(";")[0]).strip()


def _bounded(text: str) -> str:
    if len(text) > MAX_VALUE_CHARS or _LONG_NUMBER.search(text):
        raise ValueError("more characters than are read")
    return text
