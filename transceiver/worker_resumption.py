"""All that a worker has for sessions that lose their client or their worker, put together."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.host_port import HostPort
from transceiver.config import TransceiverConfig
from transceiver.resumption.continuity import Continuities
from transceiver.resumption.counters import ResumptionCounters
from transceiver.resumption.keeper import Keeper
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.resumption.peer_keeper import PeerKeeper
from transceiver.resumption.peer_messages import PeerSeal
from transceiver.resumption.peers import Peers
from transceiver.resumption.redis_keeper import RedisKeeper
from transceiver.resumption.resume_token import ResumeTokens
from transceiver.resumption.snapshot_keeping import SnapshotKeeping
from transceiver.resumption.snapshot_store import SnapshotStore
from transceiver.signaling.peer_endpoint import PeerEndpoint
from transceiver.signaling.resuming import Resuming

LAST_SNAPSHOTS_S = 0.3
"""For others to answer a worker that ends: siblings end with it, and clients wait to be told."""


class WorkerResumption:
    """`resuming` and `peer_endpoint` are for signaling, `live` and `continuities` for calls."""

    def __init__(
        self,
        config: TransceiverConfig,
        keys: ClusterKeys,
        *,
        here: Address,
        siblings: Sequence[Address],
    ) -> None:
        """`here` is this worker's tunnel address; it may be among the `siblings`."""
        self.counters = ResumptionCounters()
        self.live = LiveSessions(config.resume_seconds)
        self.store = SnapshotStore()
        self._enabled = config.resume_seconds > 0
        self._tokens = ResumeTokens(keys, config.cluster_id)
        self._seal = PeerSeal(keys)
        self._peers = Peers(self._seal, random=secrets.token_bytes, unix_time=time.time)
        self._neighbours = PeerKeeper(
            self._peers, here=here, store=self.store, siblings=siblings, others=config.peers
        )
        keeper: Keeper = self._neighbours
        self._redis = None
        if config.resume_redis is not None and self._enabled:
            keeper = self._redis = RedisKeeper(config.resume_redis, self._neighbours, self.counters)
        self._keeping = SnapshotKeeping(
            self.live,
            keeper,
            self._seal,
            owner=str(HostPort(*here)),
            counters=self.counters,
            random=secrets.token_bytes,
        )
        self.continuities = Continuities(
            self._tokens, here, config.resume_seconds, secrets.token_bytes
        )
        self.resuming = Resuming(
            self._tokens,
            self.live,
            here=here,
            peers=self._peers,
            keeper=keeper,
            seal=self._seal,
            counters=self.counters,
            generation=self._keeping.generation,
            unix_time=time.time,
        )
        self.peer_endpoint = PeerEndpoint(
            self._seal,
            self.live,
            self.store,
            self._keeping.generation,
            here=here,
            clock=time.monotonic,
            unix_time=time.time,
            random=secrets.token_bytes,
        )

    def use_keys(self, keys: ClusterKeys) -> None:
        """Seal under the first config of `keys` from here on, and open under all."""
        self._tokens.use_keys(keys)
        self._seal.use_keys(keys)

    async def run(self) -> None:
        """Have snapshots kept, for ever."""
        running = [self._neighbours.look_up()]
        if self._enabled:
            running.append(self._keeping.run())
        if self._redis is not None:
            running.append(self._redis.run())
        await asyncio.gather(*running)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Needed by `run`; at the end snapshots are kept once more."""
        async with self._peers.connected():
            yield
            if self._enabled:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_SNAPSHOTS_S):
                        await self._keeping.push()
            if self._redis is not None:
                await self._redis.close()
