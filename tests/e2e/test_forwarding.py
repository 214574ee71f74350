"""Two real workers, each asked about the other's call."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from loadtest.deployment.workers import workers_of
from tests.e2e.running_deployment import RunningDeployment

OFFER = (Path(__file__).parents[1] / "vectors/offer_chromium156_audio_dc.sdp").read_text()
RESTARTED_OFFER = OFFER.replace("SYYG", "abcd").replace("ttYHoLC3Jp3fauvU9cgC03Dd", "p" * 24)
CALLS = "/v1/realtime/calls"
SDP = {"Content-Type": "application/sdp"}


def workers(deployment: RunningDeployment) -> list[psutil.Process]:
    return workers_of(deployment.tier("transceiver").pid)


@contextlib.contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.fixture
async def connections(deployment: RunningDeployment) -> AsyncIterator[list[aiohttp.ClientSession]]:
    """One that lasts, to each worker: nobody else can have accepted it."""
    async with contextlib.AsyncExitStack() as stack:
        sessions = []
        for worker in workers(deployment):
            session = aiohttp.ClientSession(
                deployment.url, headers={"Authorization": f"Bearer {deployment.api_key}"}
            )
            await stack.enter_async_context(session)
            with stopped([other for other in workers(deployment) if other != worker]):
                await asked(session, "GET", "/v1/models")
            sessions.append(session)
        yield sessions


async def asked(
    session: aiohttp.ClientSession, method: str, path: str, offer: str | None = None
) -> tuple[int, str, str]:
    """The response's status, text and Location."""
    headers = SDP if offer else {}
    async with session.request(method, path, data=offer, headers=headers) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


async def test_each_worker_answers_for_the_others_call(
    deployment: RunningDeployment, connections: list[aiohttp.ClientSession]
) -> None:
    before = opened(deployment)
    first, second = connections
    created = [await asked(each, "POST", f"{CALLS}?model=echo", OFFER) for each in connections]
    assert [now - then for now, then in zip(opened(deployment), before, strict=True)] == [1, 1]

    for other, (status, answer, location) in zip([second, first], created, strict=True):
        assert status == 201
        restarted, later_answer, _ = await asked(other, "POST", location, RESTARTED_OFFER)
        assert restarted == 200
        assert ufrag(later_answer) != ufrag(answer)
        assert (await asked(other, "POST", f"{location}/hangup"))[0] == 200
        for session in connections:
            assert (await asked(session, "POST", f"{location}/hangup"))[0] == 404


def opened(deployment: RunningDeployment) -> list[float]:
    name = "antiphon_transceiver_calls_opened_total"
    return [samples[name] for samples in deployment.metrics_by_process("transceiver")]


def ufrag(sdp: str) -> str:
    return next(line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:"))
