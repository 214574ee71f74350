"""Finds in redundant audio the frames that were lost."""

from transceiver.audio.sender_clock import SenderClock
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import unpack_red
from transceiver.rtp.reordering import Reordering


class Redundancy:
    """What a stream's redundant packets bring that is missing, by its order and its clock."""

    __slots__ = ("_clock", "_reordering")

    def __init__(self, reordering: Reordering, clock: SenderClock) -> None:
        self._reordering = reordering
        self._clock = clock

    def unpack(self, packet: RtpPacket) -> tuple[list[RtpPacket], RtpPacket]:
        """The missing frames that `packet` repeats, as the packets that were lost, and its
        own frame. Raises RedError."""
        *repeated, own = unpack_red(packet)
        if not self._reordering.gap_before(packet):
            return [], own
        placed = (self._placed(each, own) for each in repeated)
        return [each for each in placed if self._is_missing(each)], own

    def _placed(self, repeated: RtpPacket, own: RtpPacket) -> RtpPacket:
        """With the sequence number that its time tells.

        https://www.rfc-editor.org/rfc/rfc2198#section-4 lets a sender repeat frames other
        than the last few. Where packets were not sent one after another in time, as in a pause,
        the place among the blocks has to do.
        """
        expected, spacing = self._clock.next_timestamp, self._clock.last_duration
        if expected is None or not spacing:
            return repeated
        gap = self._reordering.gap_before(own)
        offset = (own.timestamp - repeated.timestamp) & 0xFFFFFFFF
        if (own.timestamp - expected) & 0xFFFFFFFF != gap * spacing or offset % spacing:
            return repeated
        return repeated._replace(sequence=(own.sequence - offset // spacing) & 0xFFFF)

    def _is_missing(self, repeated: RtpPacket) -> bool:
        """Its place does not tell alone: padding takes places too, and what is repeated
        after it stands before it."""
        return (
            bool(repeated.payload)
            and self._reordering.awaits(repeated)
            and not self._clock.is_past(repeated.timestamp)
        )
