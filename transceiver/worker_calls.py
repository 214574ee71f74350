"""All that signaling can tell the calls of one worker: its `CallFactory`."""

from typing import NoReturn

from antiphon_proto.realtime import RealtimeSession
from transceiver.call_table import CallTable
from transceiver.signaling.calls import NotSipError
from transceiver.webrtc_calls import WebRtcCalls


class WorkerCalls:
    """Whatever the calls came by."""

    def __init__(self, table: CallTable, webrtc: WebRtcCalls) -> None:
        self._table = table
        self.create_call = webrtc.create_call
        self.renegotiate = webrtc.renegotiate
        self.creator = table.creator
        self.sideband = table.sideband
        self.hang_up = table.hang_up

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._table

    def accept(self, call_id: str, _session: RealtimeSession) -> None:
        """Raises CallNotFoundError, or NotSipError: there are WebRTC calls only."""
        self._refuse_as_sip(call_id)

    def reject(self, call_id: str, _status_code: int) -> None:
        """Raises CallNotFoundError, or NotSipError: there are WebRTC calls only."""
        self._refuse_as_sip(call_id)

    def refer(self, call_id: str, _target_uri: str) -> None:
        """Raises CallNotFoundError, or NotSipError: there are WebRTC calls only."""
        self._refuse_as_sip(call_id)

    def _refuse_as_sip(self, call_id: str) -> NoReturn:
        self._table.find(call_id)
        raise NotSipError
