"""Refuses SCTP packets that aiortc would be busy with for seconds, or for ever.

Who sends them has a call, so they are no accident, but the worker has other calls too.
aiortc counts through all that a SACK acknowledges, 65,536 packets for each four bytes of
it, and never gets past a parameter of no length.

https://www.rfc-editor.org/rfc/rfc9260#section-3
"""

_COMMON_HEADER_BYTES = 12
_CHUNK_HEADER_BYTES = 4
_SACK = 3
_GAPS_AT = 12
"""In a SACK's value: behind cumulative TSN, window and the two counts."""

_PARAMETERS_AT = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}
"""By the type of chunks with parameters, where in their value those begin."""


class SctpError(ValueError):
    """A packet that is not to be read."""


def check_packet(packet: bytes, outstanding: int) -> None:
    """Raises SctpError for a packet that no honest client sends.

    `outstanding` is how many chunks of ours at most wait for the client's acknowledgement.
    """
    at = _COMMON_HEADER_BYTES
    while at <= len(packet) - _CHUNK_HEADER_BYTES:
        kind, length = packet[at], int.from_bytes(packet[at + 2 : at + 4], "big")
        value = packet[at + _CHUNK_HEADER_BYTES : at + length]
        if length < _CHUNK_HEADER_BYTES or at + length > len(packet):
            raise SctpError("a chunk is longer than its packet, or shorter than its header")
        if kind == _SACK:
            _check_gaps(value, outstanding)
        elif kind in _PARAMETERS_AT:
            _check_parameters(value[_PARAMETERS_AT[kind] :])
        at += length + -length % 4


def _check_gaps(sack: bytes, outstanding: int) -> None:
    count = int.from_bytes(sack[8:10], "big")
    acknowledged = 0
    for at in range(_GAPS_AT, min(_GAPS_AT + 4 * count, len(sack)), 4):
        first, last = sack[at : at + 2], sack[at + 2 : at + 4]
        span = int.from_bytes(last, "big") - int.from_bytes(first, "big") + 1
        if span < 1:
            raise SctpError("a gap block ends before it begins")
        acknowledged += span
    if acknowledged > outstanding:
        raise SctpError("a SACK acknowledges more than was sent")


def _check_parameters(parameters: bytes) -> None:
    at = 0
    while at <= len(parameters) - 4:
        length = int.from_bytes(parameters[at + 2 : at + 4], "big")
        if length < 4:
            raise SctpError("a parameter is shorter than its header")
        at += length + -length % 4
