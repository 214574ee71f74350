"""One call by WebSocket, from its request to its hang-up."""

import asyncio
import time

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.heard_events import ServerEventError
from loadtest.callers.speech import FRAME_S
from loadtest.callers.websocket.caller import Caller
from loadtest.callers.websocket.connection import Connection
from loadtest.measures.measures import Measures
from loadtest.measures.names import Failure, Latency

SETTLE_FRAMES = 50
"""Of so many, what came is noted: once a second."""


async def converse(
    connection: Connection, caller: Caller, measures: Measures, *, until: float
) -> None:
    """Speak and listen until then, by `time.monotonic`. Raises FailedCallError."""
    listening = asyncio.create_task(_listen(connection, caller))
    speaking = asyncio.create_task(_speak(connection, caller, measures, until))
    try:
        await asyncio.wait((listening, speaking), return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, speaking):
            if task.done():
                task.result()
    finally:
        for task in (listening, speaking):
            task.cancel()
        await asyncio.gather(listening, speaking, return_exceptions=True)
        audible = caller.close(time.monotonic())
    if not audible:
        raise FailedCallError(Failure.NO_MEDIA, "nothing was answered")


async def _listen(connection: Connection, caller: Caller) -> None:
    while True:
        text, now = await connection.receive()
        try:
            reply = caller.received(text, now)
        except ServerEventError as error:
            raise FailedCallError(Failure.BAD_ANSWER, str(error)) from error
        if reply is not None:
            await connection.send(reply)


async def _speak(connection: Connection, caller: Caller, measures: Measures, until: float) -> None:
    """Every 20 ms by the clock; what was missed is made up for."""
    due, frames = time.monotonic(), 0
    while due < until:
        event = caller.say(due)
        if event is not None:
            measures.note(Latency.SEND_LATENESS, max(0.0, time.monotonic() - due))
            await connection.send(event)
        frames += 1
        if frames % SETTLE_FRAMES == 0:
            caller.settle()
        due += FRAME_S
        await asyncio.sleep(due - time.monotonic())
