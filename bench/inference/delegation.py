"""`python -m bench.inference.delegation`: what is heard while an expert thinks.

Two HTTP servers on this machine answer as a fast and as a slow model would. A response is asked
for with and without the fast one before the slow; another is cancelled while the expert thinks.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from antiphon_proto.trunk import SessionConfig
from bench.figures import publish, rounded
from bench.machine import machine
from inference.engine_output import Audio
from inference.engines.cascade.brain.brain import BrainSource
from inference.engines.cascade.brain.chat import ChatEndpoint, ChatTimeouts
from inference.engines.cascade.brain.delegating import DelegatingBrains
from inference.engines.cascade.brain.expert_tool import CONSULT_EXPERT
from inference.engines.cascade.counters import CascadeCounters, Consultation
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.synthesiser import Synthesiser
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.brain.chat_server import ChatServer, call, chat_server, text
from tests.inference.engines.cascade.caller import Caller

FAST_S, SLOW_S = 0.3, 3.0
ANSWER = "Paul wrote it."
TIMEOUT_S = 30.0


def endpoint(server: ChatServer) -> ChatEndpoint:
    timeouts = ChatTimeouts(first_words_s=TIMEOUT_S)
    return ChatEndpoint(ServerAccess(urls=(server.url,)), "m", ModelServerCounters(), timeouts)


@asynccontextmanager
async def running(brains: BrainSource) -> AsyncIterator[CascadeEngine]:
    counters = CascadeCounters()
    engine = CascadeEngine(brains, EmbeddedRecogniser(counters), Synthesiser(counters), counters)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def first_audio(engine: CascadeEngine, rounds: int) -> list[float]:
    """Seconds from the request for a response to its first sample."""
    seconds = []
    for _ in range(rounds):
        caller = Caller(engine, SessionConfig())
        started = time.perf_counter()
        caller.respond()
        await caller.until(partial(caller.all, Audio))
        seconds.append(time.perf_counter() - started)
        await caller.done()
        assert caller.answer().endswith(ANSWER)
        caller.session.close("")
    return seconds


async def taken_back(engine: CascadeEngine, expert: ChatServer, rounds: int) -> list[float]:
    """Seconds from the cancellation of a response to the end of the expert's connection."""
    seconds = []
    for _ in range(rounds):
        expert.requests.clear()
        expert.disconnected.clear()
        caller = Caller(engine, SessionConfig())
        caller.respond()
        while not expert.requests:
            await asyncio.sleep(0.01)
        started = time.perf_counter()
        caller.session.cancel(1, 0)
        await expert.disconnected.wait()
        seconds.append(time.perf_counter() - started)
        caller.session.close("")
    return seconds


async def measure(rounds: int) -> dict[str, float | str]:
    question = {"name": CONSULT_EXPERT.name, "arguments": json.dumps({"question": "Who?"})}
    consultations = Counter[Consultation]()
    async with chat_server() as fast, chat_server() as slow:
        fast.script = [FAST_S, call(0, id="c", function=question)]
        slow.script = [SLOW_S, text(ANSWER)]
        async with running(endpoint(slow)) as engine:
            alone = await first_audio(engine, rounds)
        brains = DelegatingBrains(endpoint(fast), endpoint(slow), TIMEOUT_S, consultations)
        async with running(brains) as engine:
            together = await first_audio(engine, rounds)
            closed = await taken_back(engine, slow, rounds)
    assert consultations == {Consultation.ANSWERED: rounds, Consultation.DROPPED: rounds}
    return {
        "expert_alone.first_audio.p50_seconds": rounded(statistics.median(alone)),
        "delegated.first_audio.p50_seconds": rounded(statistics.median(together)),
        "delegated.cancel_to_disconnect.p50_seconds": rounded(statistics.median(closed)),
        "delegated.cancel_to_disconnect.max_seconds": rounded(max(closed)),
        **machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    publish("delegation", asyncio.run(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
