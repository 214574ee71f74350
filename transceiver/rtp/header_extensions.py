"""What RTP header extensions tell of an audio packet.

The elements of an extension, in the one-byte form (profile 0xBEDE) and in the two-byte
form (profile 0x100X): https://www.rfc-editor.org/rfc/rfc8285#section-4

 0                   1
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  ID   |len - 1|  data ...     |   one-byte
|      ID       |      len      |   two-byte, followed by the data

What is malformed reads as absent: the sound beside it is still good.
"""

from typing import NamedTuple

SILENT_LEVEL = 127
"""The audio level of digital silence, in -dBov: https://www.rfc-editor.org/rfc/rfc6464#section-3"""

_ELEMENTS_START = 4
_ONE_BYTE_PROFILE = b"\xbe\xde"
_TWO_BYTE_PROFILE = 0x10
_PADDING = 0
_STOP = 15
"""The one-byte form's reserved ID, at which reading stops."""


class AudioLevel(NamedTuple):
    """https://www.rfc-editor.org/rfc/rfc6464#section-3"""

    voice: bool
    """Whether the sender thinks it voice; senders without an opinion say yes, or never."""
    level: int
    """In -dBov: 0 is the loudest that can be, 127 is digital silence."""


def audio_level(extension: bytes, identifier: int) -> AudioLevel | None:
    """How loud the packet's sound is, if `extension` tells it under `identifier`."""
    data = element(extension, identifier)
    if data is None or len(data) != 1:
        return None
    return AudioLevel(data[0] >= 0x80, data[0] & 0x7F)


def transport_sequence(extension: bytes, identifier: int) -> int | None:
    """The packet's number among all that its sender sends, 16 bits, wrapping.

    https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01#section-2
    """
    data = element(extension, identifier)
    return data[0] << 8 | data[1] if data is not None and len(data) == 2 else None


def element(extension: bytes, identifier: int) -> bytes | None:
    """The data of the first element of that ID, 1 to 14, or to 255 in the two-byte form."""
    if extension.startswith(_ONE_BYTE_PROFILE):
        return _one_byte_element(extension, identifier)
    if len(extension) > _ELEMENTS_START and extension[0] == _TWO_BYTE_PROFILE:
        return _two_byte_element(extension, identifier) if extension[1] < 0x10 else None
    return None


def _one_byte_element(extension: bytes, identifier: int) -> bytes | None:
    at, end = _ELEMENTS_START, len(extension)
    while at < end:
        header = extension[at]
        at += 1
        if header == _PADDING:
            continue
        found = header >> 4
        if found in (_PADDING, _STOP):
            return None
        after = at + (header & 0x0F) + 1
        if found == identifier:
            return extension[at:after] if after <= end else None
        at = after
    return None


def _two_byte_element(extension: bytes, identifier: int) -> bytes | None:
    at, end = _ELEMENTS_START, len(extension)
    while at + 1 < end:
        found = extension[at]
        if found == _PADDING:
            at += 1
            continue
        after = at + 2 + extension[at + 1]
        if found == identifier:
            return extension[at + 2 : after] if after <= end else None
        at = after
    return None
