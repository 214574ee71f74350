"""Whatever two ends, an application and an engine do to calls in any order, nothing is left."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto import trunk
from antiphon_proto.realtime import RealtimeSession
from tests.transceiver.sip_calls.sip_call_driver import TRUNK, Exchange, Phone
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    NotAnsweredError,
    NotRingingError,
    WantedCallError,
)
from transceiver.signaling.errors import ApiError

LIMITED = TRUNK + "sessions = 3\n"
REFUSALS = (
    CallNotFoundError,
    CallRefusedError,
    NotAnsweredError,
    NotRingingError,
    WantedCallError,
    ApiError,
)


class History:
    """One exchange, and all calls that there have been."""

    def __init__(self) -> None:
        self.exchange = Exchange(LIMITED)
        self.phones: list[Phone] = []
        self.placed: list[str] = []
        self.accepting: set[asyncio.Task[None]] = set()

    @property
    def ids(self) -> list[str]:
        incoming = [event["data"]["call_id"] for event in self.exchange.worker.webhooks]
        return [*incoming, *self.placed]

    async def call(self, _chance: int) -> None:
        phone = Phone("caller")
        self.exchange.phones.call(self.exchange.server.address, handler=phone)
        self.phones.append(phone)

    async def place(self, chance: int) -> None:
        self.exchange.phones.answer = (
            (lambda session: session.ring()) if chance % 2 else (lambda session: session.accept())
        )
        call_id, phone = await self.exchange.place()
        self.placed.append(call_id)
        self.phones.append(phone)

    async def accept(self, chance: int) -> None:
        if self.ids:
            call_id = self.ids[chance % len(self.ids)]
            accepting = asyncio.create_task(self._accept(call_id))
            self.accepting.add(accepting)
            accepting.add_done_callback(self.accepting.discard)

    async def _accept(self, call_id: str) -> None:
        with contextlib.suppress(*REFUSALS):
            await self.exchange.worker.factory.accept(call_id, RealtimeSession())

    async def reject(self, chance: int) -> None:
        if self.ids:
            self.exchange.worker.factory.reject(self.ids[chance % len(self.ids)], 486)

    async def refer(self, chance: int) -> None:
        if self.ids:
            self.exchange.worker.factory.refer(self.ids[chance % len(self.ids)], "sip:b@192.0.2.7")

    async def hang_up(self, chance: int) -> None:
        if self.ids:
            self.exchange.worker.factory.hang_up(self.ids[chance % len(self.ids)])

    async def hang_up_phone(self, chance: int) -> None:
        if self.phones and self.phones[chance % len(self.phones)].session:
            self.phones[chance % len(self.phones)].call.hang_up()

    async def offer_again(self, chance: int) -> None:
        if self.phones and self.phones[chance % len(self.phones)].session:
            self.phones[chance % len(self.phones)].call.reinvite()

    async def lose_engine(self, chance: int) -> None:
        opened = self.exchange.worker.inference.opened
        if opened:
            error = trunk.Error("engine_lost", "gone", fatal=True)
            opened[chance % len(opened)][0].engine_event(error)

    async def be_ready(self, _chance: int) -> None:
        if self.exchange.worker.inference.opened:
            self.exchange.engine_ready()

    async def be_full(self, _chance: int) -> None:
        answers = self.exchange.worker.inference
        full = isinstance(answers.answer, trunk.Error)
        answers.answer = (
            trunk.Ready("echo", 8_000, 8_000, True)
            if full
            else trunk.Error("at_capacity", "no", fatal=True)
        )

    async def lose_messages(self, chance: int) -> None:
        self.exchange.network.loss = chance % 2 * 0.3

    async def wait(self, chance: int) -> None:
        await self.exchange.run(0.05 + chance % 3)


Action = Callable[[History, int], Awaitable[None]]
ACTIONS: list[Action] = [
    *(History.call, History.place, History.accept, History.accept, History.reject, History.refer),
    *(History.hang_up, History.hang_up_phone, History.offer_again, History.lose_engine),
    *(History.be_ready, History.be_full, History.lose_messages, History.wait, History.wait),
]


@settings(max_examples=12)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 99)), max_size=25))
def test_no_history_leaves_anything(steps: list[tuple[Action, int]]) -> None:
    asyncio.run(through(steps))


async def through(steps: list[tuple[Action, int]]) -> None:
    history = History()
    exchange, worker = history.exchange, history.exchange.worker
    for action, chance in steps:
        with contextlib.suppress(*REFUSALS):
            await action(history, chance)
        await exchange.run(0.02)
    exchange.network.loss = 0.0
    for accepting in list(history.accepting):
        await accepting
    worker.factory.close_sip()
    await exchange.run(70)
    assert len(worker.calls) == len(worker.sip) == worker.counters.open.total() == 0
    assert worker.tasks == set()
    assert worker.factory.outgoing._usage._sessions.total() == 0
    assert all(session.closed for _listener, session in worker.inference.opened)
    assert exchange.server.sip.session_count == exchange.server.sip.transaction_count == 0
    assert len(exchange.ended) == len(history.placed)
    assert not any(reason.value == "internal_error" for reason in worker.counters.closed)
