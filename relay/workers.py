"""The supervisor's workers: brought up, restarted, and spoken to as one."""

import asyncio
import logging
import multiprocessing
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.cpu_seconds import cpu_seconds
from chassis.settings import SettingError
from chassis.worker_processes import WorkerObserver, WorkerProcesses
from relay.description import WorkerDescription
from relay.fast_path_choice import worker_imports
from relay.flows import FlowSnapshot
from relay.sockets import RelaySockets
from relay.table_union import table_union
from relay.worker_link import (
    CountBound,
    Describe,
    Drain,
    FindClient,
    FinishReadOut,
    Forward,
    NameClusters,
    Order,
    ReadOut,
    ReloadKeys,
    Restore,
    Snapshot,
    StopReading,
    TakeSnapshot,
    WarmUp,
    WorkerGoneError,
    WorkerLink,
)
from relay.worker_process import WorkerSettings, run_worker

AnswerT = TypeVar("AnswerT")

logger = logging.getLogger(__name__)

WARM_UP_S = 0.25
"""How long at least a worker without flows serves its tunnel alone. Owners probe a relay worker
20 times a second, and one that was away for long 5 times: within this time they find its new
epoch, and begin to announce."""

SETTLING_S, SETTLING_LOOK_S = 0.06, 0.02
LONGEST_WARM_UP_S = 5.0
"""Many flows take longer to announce: a worker whose table grew within `SETTLING_S` goes on."""

COMPILING_AFTER_S = 5.0
"""Imports that take longer compile the fast path, which is said."""

ANSWER_S = 2.0
"""How long an operator's question waits for a worker that is busy."""


class RelayWorkers(WorkerObserver):
    """Every worker's way is: loaded; then warmed up, or given a predecessor's flows; then
    forwarding. A crashed one begins anew.

    While a sibling forwards, it takes what waits in the public sockets of a crashed
    worker, and these are closed, so that the kernel moves their clients to the siblings,
    which know all bound flows. The last ones to forward keep theirs: what arrives waits
    for them. So as long as the relay lives there is an open public socket for every client.
    """

    def __init__(
        self, settings: WorkerSettings, sockets: RelaySockets, keys: ClusterKeys, *, heir: bool
    ) -> None:
        """An `heir`'s workers wait for `inherit` before they forward."""
        self.draining = False
        self.lends_sockets = False
        """Whether somebody else has them open, so that closing one here gives it to nobody."""
        self._sockets = sockets
        self._keys = keys
        self.keys_in_force = keys
        """Those that every worker uses."""
        self._found: Mapping[int, tuple[Address, ...]] = {}
        """Relays of other clusters, by the cluster's number."""
        self._links: dict[int, WorkerLink] = {}
        self._loaded: set[int] = set()
        self._forwarding: set[int] = set()
        self._changed = asyncio.Event()
        self._coming_up: dict[int, asyncio.Task[None]] = {}
        self._moves: dict[int, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._inheritance: asyncio.Future[Snapshot | None] = self._loop.create_future()
        if not heir:
            self._inheritance.set_result(None)
        self._processes = WorkerProcesses(
            len(sockets.tunnels),
            partial(run_worker, settings),
            observer=self,
            preload=worker_imports(settings.fallback),
        )

    @property
    def count(self) -> int:
        """How many there shall be."""
        return self._processes.count

    @property
    def alive(self) -> int:
        return self._processes.alive

    @property
    def restarts(self) -> int:
        return self._processes.restarts

    def cpu_seconds(self, index: int) -> float:
        """CPU time of this worker's process, from its last start on."""
        process_id = self._processes.process_id(index)
        return cpu_seconds(process_id) if process_id else 0.0

    @property
    def forwarding(self) -> int:
        return len(self._forwarding)

    async def come_up(self) -> None:
        """Start all workers; returns when all forward."""
        await self.load()
        await self.all_forward()

    async def load(self) -> None:
        """Start all workers; returns when all are loaded."""
        warning = self._loop.call_later(COMPILING_AFTER_S, _say_compiling)
        try:
            await self._processes.preload()
        finally:
            warning.cancel()
        self._processes.start()
        await self._until(lambda: len(self._loaded) == self.count)

    async def inherit(self, snapshot: Snapshot) -> None:
        """Have an heir's workers go on from where others were; returns when all forward."""
        self._inheritance.set_result(snapshot)
        await self.all_forward()
        # A worker that crashes from now on learns from the owners.
        self._inheritance = self._loop.create_future()
        self._inheritance.set_result(None)

    async def all_forward(self) -> None:
        await self._until(lambda: len(self._forwarding) == self.count)

    async def drain(self) -> None:
        """Refuse clients without a flow from now on."""
        self.draining = True
        await self._order_all(Drain())

    async def reload(self, keys: ClusterKeys) -> None:
        """Use these keys from now on; returns when every worker does."""
        self._keys = keys
        await self._order_all(ReloadKeys(keys))
        self.keys_in_force = keys

    async def name_clusters(self, found: Mapping[int, tuple[Address, ...]]) -> None:
        """Relays of each cluster are there from now on."""
        self._found = found
        await self._order_all(NameClusters(found))

    async def stop_reading(self) -> None:
        """Receive nothing more; returns when what was received has been sent on."""
        await self._order_all(StopReading())

    async def snapshot(self) -> Snapshot:
        """What any of the workers remembers."""
        answers = await self._ask_all(lambda link: link.ask(TakeSnapshot()))
        return table_union(answers.values())

    async def describe(self) -> list[WorkerDescription | None]:
        """By index; None for a worker that is loading or busy."""
        answers = await self._ask_all(lambda link: link.ask(Describe()), ANSWER_S)
        return [answers.get(index) for index in range(self.count)]

    async def find_client(self, host: str, port: int | None) -> list[tuple[int, FlowSnapshot]]:
        """Flows of a client's address, or of its host on all ports, with the worker's index."""
        answers = await self._ask_all(lambda link: link.ask(FindClient(host, port)), ANSWER_S)
        return [(index, flow) for index, answer in answers.items() for flow in answer.flows]

    async def stop(self) -> None:
        """End them at once."""
        for task in (*self._coming_up.values(), *self._moves.values()):
            task.cancel()
        await self._processes.stop(grace_s=0)
        for link in self._links.values():
            link.lost()

    # A worker's lives.

    def arguments(self, index: int) -> tuple[Any, ...]:
        ours, theirs = multiprocessing.Pipe()
        self._links[index] = WorkerLink(ours)
        return self._keys, self._sockets.tunnels[index], theirs

    def started(self, index: int) -> None:
        self._coming_up[index] = asyncio.create_task(self._bring_up(index, self._links[index]))

    def crashed(self, index: int) -> None:
        self._links[index].lost()
        self._loaded.discard(index)
        self._forwarding.discard(index)
        if not self.lends_sockets:
            self._moves[index] = asyncio.create_task(self._move_clients(index))

    async def _move_clients(self, index: int) -> None:
        """From a worker that crashed to its siblings, if there are any."""
        while (sibling := self._forwarding_sibling()) is not None:
            publics = self._sockets.publics(index)
            try:
                await sibling.order(ReadOut(len(publics)), publics)
                # The sibling has the last descriptors: it sees all that comes until they close.
                self._sockets.close_publics(index)
                await sibling.order(FinishReadOut())
            except WorkerGoneError:
                continue
            return

    def _forwarding_sibling(self) -> WorkerLink | None:
        links = (self._links[index] for index in self._forwarding)
        return next((link for link in links if not link.is_lost), None)

    async def _bring_up(self, index: int, link: WorkerLink) -> None:
        try:
            await link.loaded()
            if index in self._moves:
                await asyncio.wait([self._moves.pop(index)])
            self._note(self._loaded, index)
            if self.draining:
                await link.order(Drain())
            if self._found:
                await link.order(NameClusters(self._found))
            await self._teach(index, link)
            self._sockets.open_publics(index)
            publics, phones = self._sockets.publics(index), self._sockets.phones[index]
            await link.order(Forward(len(publics), len(phones)), (*publics, *phones))
            self._note(self._forwarding, index)
        except WorkerGoneError:
            return  # It is being started again.
        except SettingError:
            logger.exception("worker %d cannot have its public port", index)
            self._processes.kill(index)

    async def _teach(self, index: int, link: WorkerLink) -> None:
        """Let the worker know the flows that there are."""
        snapshot = await asyncio.shield(self._inheritance)
        if snapshot is not None:
            await link.order(Restore(snapshot))
            return
        publics, phones = self._sockets.some_publics(index), self._sockets.phones[index]
        warm_up = WarmUp(len(publics), not self._forwarding, len(phones))
        await link.order(warm_up, (*publics, *phones))
        await self._settle(link)

    async def _settle(self, link: WorkerLink) -> None:
        """Return when owners have announced to the worker what they have."""
        begun = grown = self._loop.time()
        bound = 0
        while (now := self._loop.time()) < begun + LONGEST_WARM_UP_S:
            before, bound = bound, (await link.ask(CountBound())).count
            if bound > before:
                grown = now
            elif now >= max(begun + WARM_UP_S, grown + SETTLING_S):
                return
            await asyncio.sleep(SETTLING_LOOK_S)

    def _note(self, where: set[int], index: int) -> None:
        where.add(index)
        self._changed.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    # All of them at once.

    async def _order_all(self, order: Order) -> None:
        await asyncio.gather(
            *(link.order(order) for link in self._links.values()), return_exceptions=True
        )

    async def _ask_all(
        self, ask: Callable[[WorkerLink], Awaitable[AnswerT]], timeout_s: float | None = None
    ) -> dict[int, AnswerT]:
        """The answers of the workers that gave one in time, by index."""

        async def answer(index: int) -> AnswerT:
            async with asyncio.timeout(timeout_s):
                return await ask(self._links[index])

        indexes = sorted(self._loaded)
        answers = await asyncio.gather(*map(answer, indexes), return_exceptions=True)
        return {
            index: each
            for index, each in zip(indexes, answers, strict=True)
            if not isinstance(each, BaseException)
        }


def _say_compiling() -> None:
    logger.info("compiling the fast path, which is done once for this machine")
