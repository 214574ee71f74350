"""One running cascade, with its worker processes, for all tests that need one."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime

import pytest
import pytest_asyncio

from inference.engines.cascade.brain.brain import Brain
from inference.engines.cascade.brain.rules import Rules
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.synthesiser import Synthesiser
from tests.inference.engines.cascade.scripted_brain import ScriptedBrain


class Brains:
    """The rules, unless a test puts a brain of its own in front."""

    def __init__(self) -> None:
        self.override: Brain | None = None
        self._rules = Rules(lambda: datetime(2026, 11, 21, 15, 5), time.monotonic)

    def open(self, session_key: str = "") -> Brain:
        return self.override or self._rules.open()

    async def close(self) -> None: ...


BRAINS = Brains()


@pytest.fixture(scope="session")
def counters() -> CascadeCounters:
    return CascadeCounters()


@pytest.fixture(scope="session")
def recogniser(counters: CascadeCounters) -> EmbeddedRecogniser:
    return EmbeddedRecogniser(counters)


@pytest.fixture(scope="session")
def synthesiser(counters: CascadeCounters) -> Synthesiser:
    return Synthesiser(counters)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cascade(
    recogniser: EmbeddedRecogniser, synthesiser: Synthesiser, counters: CascadeCounters
) -> AsyncIterator[CascadeEngine]:
    """Runs on `recogniser` and `synthesiser`."""
    engine = CascadeEngine(BRAINS, recogniser, synthesiser, counters, pause_ms=130)
    await engine.start()
    yield engine
    await engine.close()


@pytest.fixture
def brain() -> Iterator[ScriptedBrain]:
    """A brain for the sessions that this test opens."""
    BRAINS.override = brain = ScriptedBrain()
    yield brain
    BRAINS.override = None


@pytest.fixture
def put_brain() -> Iterator[Callable[[Brain], None]]:
    """Puts a brain of the test's own into the sessions that it opens."""

    def put(brain: Brain) -> None:
        BRAINS.override = brain

    yield put
    BRAINS.override = None
