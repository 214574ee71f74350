"""The calls of one worker: made here, found by ufrag or client address, forgotten here."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.stun import StunClass, StunError
from antiphon_proto.trunk import Error
from antiphon_proto.ufrag import RANDOM_BYTES, Owner, UfragMinter, UfragReader
from transceiver.call import Call
from transceiver.close_reason import CloseReason
from transceiver.config import TransceiverConfig
from transceiver.counters import CallCounters
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate
from transceiver.ice import IceCredentials
from transceiver.inference_client import InferenceClient
from transceiver.metrics import TurnLatency
from transceiver.relay_paths import RelayPaths
from transceiver.sdp import Offer, parse_offer
from transceiver.signaling.call_id import CallIds
from transceiver.signaling.calls import CallRefusedError, CreatedCall, RefusalReason
from transceiver.signaling.sealed_token import NONCE_BYTES
from transceiver.tunnel_endpoint import TunnelEndpoint

logger = logging.getLogger(__name__)

UFRAG_MARGIN_S = 600
"""How much longer than the longest call a ufrag routes."""

RETRY_AFTER_S = 5

_REFUSALS = {
    "at_capacity": RefusalReason.AT_CAPACITY,
    "draining": RefusalReason.DRAINING,
}
"""By the error code of the replica that refused a session."""


@dataclass(frozen=True, slots=True)
class _Entry:
    call: Call
    ufrag: bytes
    paths: RelayPaths


class CallTable:
    """Makes calls for signaling, and hands them their clients' datagrams and the time."""

    def __init__(
        self,
        config: TransceiverConfig,
        keys: ClusterKeys,
        *,
        endpoint: TunnelEndpoint,
        inference: InferenceClient,
        counters: CallCounters,
        turn_latency: TurnLatency,
        clock: Callable[[], float],
        unix_time: Callable[[], float],
    ) -> None:
        """`clock` is the event loop's."""
        self._config = config
        self._endpoint = endpoint
        self._inference = inference
        self._counters = counters
        self._turn_latency = turn_latency
        self._clock = clock
        self._unix_time = unix_time
        self._certificate = DtlsCertificate()
        self._call_ids = CallIds(keys)
        self._minter = UfragMinter(keys)
        self._passwords = UfragReader(keys)
        self._incarnation = secrets.randbelow(256)
        self._by_ufrag: dict[bytes, _Entry] = {}
        self._by_client: dict[Address, _Entry] = {}
        self._by_id: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._by_ufrag)

    async def create_call(self, offer_sdp: str, session: RealtimeSession) -> CreatedCall:
        """Answer an offer. Raises OfferError, RealtimeError or CallRefusedError."""
        offer = parse_offer(offer_sdp)
        self._check_room()
        entry = self._open(offer, session)
        call = entry.call
        self._by_ufrag[entry.ufrag] = entry
        self._by_id[call.call_id] = entry
        await self._wait_admitted(entry)
        self._counters.opened += 1
        logger.info("call %s opened", call.call_id)
        return CreatedCall(call.call_id, call.answer(self._config.advertise))

    async def hang_up(self, call_id: str) -> bool:
        """End a call of this worker; False when there is no such call."""
        entry = self._by_id.get(call_id)
        if entry is None:
            return False
        entry.call.close(CloseReason.CLIENT_HANGUP)
        self._forget(entry)
        return True

    def receive(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        """Hand a client's datagram to its call; one without a call is counted."""
        if packet_kind(datagram) is PacketKind.STUN:
            self._receive_stun(datagram, client, relay, now)
            return
        entry = self._by_client.get(client)
        if entry is None:
            self._counters.drops[DropReason.NO_CALL] += 1
            return
        entry.paths.note(client, relay)
        entry.call.receive(datagram, client, now)

    def tick(self, now: float) -> None:
        """Drive every call's clock; forget those that ended."""
        for entry in list(self._by_ufrag.values()):
            entry.call.tick(now)
            if entry.call.closed is not None:
                self._forget(entry)

    def close_all(self) -> None:
        for entry in list(self._by_ufrag.values()):
            entry.call.close(CloseReason.SHUTDOWN)
            self._forget(entry)

    def _check_room(self) -> None:
        if not self._inference.connected:
            self._counters.refused += 1
            raise CallRefusedError(RefusalReason.ENGINE_UNAVAILABLE)
        if len(self) >= self._config.max_calls:
            self._counters.refused += 1
            raise CallRefusedError(RefusalReason.AT_CAPACITY, retry_after_s=RETRY_AFTER_S)

    async def _wait_admitted(self, entry: _Entry) -> None:
        """Return when the replica took the session. Raises CallRefusedError."""
        answer = await entry.call.engine_opened()
        if isinstance(answer, Error):
            entry.call.close(CloseReason.ENGINE_FAILED)
            self._forget(entry)
            self._counters.refused += 1
            reason = _REFUSALS.get(answer.code, RefusalReason.ENGINE_UNAVAILABLE)
            raise CallRefusedError(reason, retry_after_s=RETRY_AFTER_S)

    def _open(self, offer: Offer, session: RealtimeSession) -> _Entry:
        ufrag = self._mint_ufrag()
        password = self._passwords.password(ufrag.encode()).decode()
        paths = RelayPaths(self._endpoint)
        call = Call(
            self._call_ids.mint(self._endpoint.address, secrets.token_bytes(NONCE_BYTES)),
            offer=offer,
            session=session,
            ice=IceCredentials(ufrag, password),
            certificate=self._certificate,
            inference=self._inference,
            send=paths.send,
            counters=self._counters,
            turn_latency=self._turn_latency,
            clock=self._clock,
            unix_time=self._unix_time(),
            max_seconds=self._config.max_call_seconds,
        )
        return _Entry(call, ufrag.encode(), paths)

    def _mint_ufrag(self) -> str:
        host, port = self._endpoint.address
        not_after = int(self._unix_time()) + self._config.max_call_seconds + UFRAG_MARGIN_S
        owner = Owner(host, port, self._config.cluster_id, self._incarnation, not_after)
        while True:
            ufrag = self._minter.mint(owner, secrets.token_bytes(RANDOM_BYTES))
            if ufrag.encode() not in self._by_ufrag:
                return ufrag

    def _receive_stun(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        """Requests go by their ufrag, as at the relay; responses by the client's address."""
        try:
            message = stun.parse(datagram)
        except StunError:
            self._counters.drops[DropReason.STUN_MALFORMED] += 1
            return
        is_request = message.message_class is StunClass.REQUEST
        entry = (
            self._by_ufrag.get(message.local_ufrag or b"")
            if is_request
            else self._by_client.get(client)
        )
        if entry is None:
            self._counters.drops[DropReason.NO_CALL] += 1
            return
        entry.paths.note(client, relay)
        entry.call.receive(datagram, client, now)
        if is_request:
            self._follow(entry, client)

    def _follow(self, entry: _Entry, client: Address) -> None:
        """Route by address only what the call's ICE agent has authenticated."""
        knows = entry.call.transport.ice.knows
        if knows(client):
            self._by_client[client] = entry
        for forgotten in entry.paths.forget_unless(knows):
            self._forget_client(forgotten, entry)

    def _forget(self, entry: _Entry) -> None:
        self._by_ufrag.pop(entry.ufrag, None)
        self._by_id.pop(entry.call.call_id, None)
        for client in entry.paths.forget_unless(lambda _client: False):
            self._forget_client(client, entry)

    def _forget_client(self, client: Address, entry: _Entry) -> None:
        if self._by_client.get(client) is entry:
            del self._by_client[client]
