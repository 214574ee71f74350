"""aiortc's SCTP, with bounds on what one client can have it keep and compute.

aiortc sorts all that it has received out of order with each chunk that comes; what it keeps
is bounded by the window alone, in bytes of payload, which a chunk need hardly have.
"""

from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import tsn_plus_one
from aiortc.utils import uint32_gte

from transceiver.sctp_guard import SctpError

MAX_WAITING_CHUNKS = 1024
"""Received, and of use only when others come; the window of 1 MiB holds 900 long ones."""

MAX_STREAMS = 64
"""That the client sent on. Channels take one each, and each but one is ignored."""


class SctpAssociation(RTCSctpTransport):
    """One client's association; `overrun` says when it is to be ended."""

    @property
    def overrun(self) -> bool:
        """Whether the client has sent more than it may before it sends what is missing."""
        streams = self._inbound_streams
        return (
            self._advertised_rwnd < 0
            or len(streams) > MAX_STREAMS
            or len(self._sack_misordered) > MAX_WAITING_CHUNKS
            or sum(len(each.reassembly) for each in streams.values()) > MAX_WAITING_CHUNKS
        )

    @property
    def outstanding(self) -> int:
        """Chunks that wait for the client's acknowledgement."""
        return len(self._sent_queue)

    def _mark_received(self, tsn: int) -> bool:
        """As the original does, in a time that does not depend on what is waiting."""
        if self._last_received_tsn is None:
            raise SctpError("data before the association was begun")
        if uint32_gte(self._last_received_tsn, tsn) or tsn in self._sack_misordered:
            self._sack_duplicates.append(tsn)
            return True
        self._sack_misordered.add(tsn)
        while (following := tsn_plus_one(self._last_received_tsn)) in self._sack_misordered:
            self._sack_misordered.remove(following)
            self._last_received_tsn = following
        return False
