"""Every way in which a call can end: known by one reason, counted once, and nothing is left."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Awaitable, Callable
from typing import Never

import pytest

from antiphon_proto import trunk
from tests.transceiver.call_table_driver import CLIENT, OFFER, Client, Worker
from transceiver.call_deadlines import SETUP_TIMEOUT_S
from transceiver.close_reason import CloseReason
from transceiver.data_channel import ChannelEnd
from transceiver.ice.path import CONSENT_EXPIRY_S
from transceiver.signaling.calls import CallRefusedError

IDLE_S = 45
"""Longer than a call outlives its consent, shorter than the driver's longest call."""


async def connected(worker: Worker) -> Client:
    client = Client(worker)
    await client.connect()
    return client


def pass_time(client: Client, seconds: float) -> None:
    """With a client that answers what it is asked."""
    for _ in range(round(seconds)):
        client.worker.tick(1)
        client.deliver({CLIENT})


async def hang_up(worker: Worker) -> None:
    worker.calls.hang_up((await worker.call()).call_id)


async def close_dtls(worker: Worker) -> None:
    client = await connected(worker)
    client.dtls.close()
    for datagram in client.dtls.take_datagrams():
        worker.receive(datagram)


async def show_another_certificate(worker: Worker) -> None:
    client = Client(worker)
    client.offer = OFFER
    await client.call()
    worker.receive(client.check())
    client.deliver({CLIENT})


async def overrun_the_channel(worker: Worker) -> None:
    await worker.call()
    worker.inference.calls[-1].channel_closed(ChannelEnd.OVERFLOW)


async def fall_silent_altogether(worker: Worker) -> None:
    await connected(worker)
    worker.tick(CONSENT_EXPIRY_S + 6)


async def never_come(worker: Worker) -> None:
    await worker.call()
    worker.tick(SETUP_TIMEOUT_S + 1)


async def leave_before_the_answer(worker: Worker) -> None:
    worker.inference.answer = None
    posting = asyncio.create_task(worker.call())
    await asyncio.sleep(0)
    assert len(worker.calls) == 1
    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting


async def be_refused_by_the_engine(worker: Worker) -> None:
    worker.inference.answer = trunk.Error("at_capacity", "no", fatal=True)
    with pytest.raises(CallRefusedError):
        await worker.call()


async def talk_for_too_long(worker: Worker) -> None:
    client = await connected(worker)
    while not client.dtls.closed:
        pass_time(client, 5)
        worker.inference.opened[-1][0].engine_event(trunk.SpeechStarted(0))


async def be_silent_for_too_long(worker: Worker) -> None:
    pass_time(await connected(worker), IDLE_S + 1)


async def stay_until_the_end(worker: Worker) -> None:
    await connected(worker)
    worker.calls.close_all()


async def meet_a_defect(worker: Worker) -> None:
    def defect(*_args: object) -> Never:
        raise RuntimeError("a defect")

    await worker.call()
    call = worker.inference.calls[-1]
    call._conversation.engine_event = defect
    call.engine_event(trunk.SpeechStarted(0))


async def go_on_elsewhere(worker: Worker) -> None:
    await worker.call()
    worker.inference.calls[-1].take(None)


ENDS: dict[CloseReason, Callable[[Worker], Awaitable[None]]] = {
    CloseReason.CLIENT_HANGUP: hang_up,
    CloseReason.DTLS_CLOSED: close_dtls,
    CloseReason.DTLS_FAILED: show_another_certificate,
    CloseReason.CHANNEL_BROKEN: overrun_the_channel,
    CloseReason.CONSENT_LOST: fall_silent_altogether,
    CloseReason.RESUMED: go_on_elsewhere,
    CloseReason.SETUP_TIMEOUT: never_come,
    CloseReason.CANCELLED: leave_before_the_answer,
    CloseReason.ENGINE_FAILED: be_refused_by_the_engine,
    CloseReason.MAX_DURATION: talk_for_too_long,
    CloseReason.IDLE: be_silent_for_too_long,
    CloseReason.SHUTDOWN: stay_until_the_end,
    CloseReason.INTERNAL_ERROR: meet_a_defect,
}


ENDS_OF_SIP = {CloseReason.REFUSED, CloseReason.UNANSWERED, CloseReason.TRANSFERRED}


def test_there_is_a_way_to_each_end() -> None:
    assert set(ENDS) | {CloseReason.CLIENT_LOST} | ENDS_OF_SIP == set(CloseReason)


@pytest.fixture
def worker(request: pytest.FixtureRequest) -> Worker:
    return Worker(max_idle_seconds=IDLE_S)


@pytest.mark.parametrize("reason", ENDS, ids=lambda reason: reason.value)
async def test_an_end_has_one_reason(
    worker: Worker, reason: CloseReason, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await ENDS[reason](worker)
    worker.tick(0.1)
    assert worker.counters.closed == {reason: 1}
    assert caplog.text.count("closed:") == 1
    [(_call, session)] = worker.inference.opened
    assert session.closed == reason.value
    assert len(worker.calls) == 0
    assert worker.calls.due_at > worker.now


@pytest.mark.parametrize("reason", ENDS, ids=lambda reason: reason.value)
async def test_nothing_is_left_of_a_call_that_ended(
    worker: Worker, reason: CloseReason, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # A captured record keeps its traceback's frames.
    await ENDS[reason](worker)
    worker.tick(0.1)
    await asyncio.sleep(0)  # The event loop lets go of what it has run.
    [call] = worker.inference.calls
    ended = weakref.ref(call)
    del call
    worker.inference.opened.clear()
    gc.collect()
    assert ended() is None


async def test_an_agent_that_speaks_keeps_a_silent_user_in_the_call(worker: Worker) -> None:
    client = await connected(worker)
    call = worker.inference.calls[-1]
    for _ in range(4):
        pass_time(client, 10)
        call.engine_audio(trunk.UNSOLICITED, 0, bytes(2 * 24_000))
    assert worker.counters.closed == {}


async def test_a_client_that_sends_events_is_not_idle(worker: Worker) -> None:
    client = await connected(worker)
    call = worker.inference.calls[-1]
    for _ in range(4):
        pass_time(client, 10)
        call.message_received('{"type": "input_audio_buffer.clear"}')
    assert worker.counters.closed == {}
