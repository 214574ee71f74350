"""Calls outlive the inference replica that serves them."""

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from antiphon.realtime_call import RealtimeCall
from antiphon.wav import RATE
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.tier_process import Replica, Transceiver

PATIENCE_S = 20.0
LINES = "seven wise owls watch the quick brown fox from an old oak tree"
DRAIN_S = 20


class Tier:
    """Two replicas and a transceiver that knows them."""

    def __init__(self, deployment: RunningDeployment, engine: str) -> None:
        flags = (f"--engine={engine}", f"--drain-seconds={DRAIN_S}")
        self.replicas = [Replica(deployment, *flags), Replica(deployment, *flags)]
        listed = ",".join(str(replica.address) for replica in self.replicas)
        self.transceiver = Transceiver(deployment, f"--inference={listed}")

    async def serving(self) -> Replica:
        """The one that has the call."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for replica in self.replicas:
                    if replica.process.poll() is None and replica.sessions:
                        return replica
                await asyncio.sleep(0.02)

    def hand_offs(self, reason: str, outcome: str) -> float:
        labels = f'{{outcome="{outcome}",reason="{reason}"}}'
        return self.transceiver.metrics()[f"antiphon_transceiver_hand_offs_total{labels}"]

    def end(self) -> None:
        for each in (self.transceiver, *self.replicas):
            each.end()


@pytest.fixture(params=["cascade"])
def tier(deployment: RunningDeployment, request: pytest.FixtureRequest) -> Iterator[Tier]:
    tier = Tier(deployment, request.param)
    yield tier
    tier.end()


def ask(call: RealtimeCall, text: str) -> int:
    """Have this answered; the index of the events that follow."""
    since = len(call.events)
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    call.send({"type": "conversation.item.create", "item": item})
    call.send({"type": "response.create"})
    return since


async def ends(call: RealtimeCall, since: int) -> tuple[str, str]:
    """The status and the words of the answer that plays to its end."""
    done = await call.event("response.done", since=since, timeout_s=PATIENCE_S)
    await call.event("output_audio_buffer.stopped", since=since, timeout_s=PATIENCE_S)
    [message] = done.event["response"]["output"]
    return done.event["response"]["status"], message["content"][0]["transcript"]


def words(text: str) -> list[str]:
    return text.lower().rstrip(".").split()


async def test_a_replica_that_is_killed_in_an_answer_is_not_missed(tier: Tier) -> None:
    async with RealtimeCall() as call:
        await tier.transceiver.place(call, "cascade")
        since = ask(call, f"repeat after me {LINES}")
        await call.event("output_audio_buffer.started", since=since, timeout_s=PATIENCE_S)
        await asyncio.sleep(1.0)
        serving = await tier.serving()
        serving.process.kill()
        status, transcript = await ends(call, since)

        assert status == "completed"
        assert words(transcript) == words(LINES)
        deltas = [
            each.event["delta"]
            for each in call.events[since:]
            if each.event["type"] == "response.output_audio_transcript.delta"
        ]
        assert words("".join(deltas)) == words(LINES)
        assert call.find("error") is None
        assert tier.hand_offs("lost", "resumed") == 1
        whole_s = sum(len(frame.samples) for frame in call.heard.frames if frame.audible) / RATE

        since = ask(call, f"repeat after me {LINES}")
        before = len(call.heard.frames)
        await ends(call, since)
        again = call.heard.frames[before:]
        again_s = sum(len(frame.samples) for frame in again if frame.audible) / RATE
        assert abs(whole_s - again_s) < 0.6


async def test_a_replica_that_drains_leaves_no_gap(tier: Tier) -> None:
    async with RealtimeCall() as call:
        await tier.transceiver.place(call, "cascade")
        since = ask(call, f"repeat after me {LINES}")
        await call.event("output_audio_buffer.started", since=since, timeout_s=PATIENCE_S)
        serving = await tier.serving()
        serving.process.terminate()
        asked_at = time.monotonic()
        status, transcript = await ends(call, since)
        async with asyncio.timeout(PATIENCE_S):
            assert await asyncio.to_thread(serving.process.wait) == 0
        assert time.monotonic() - asked_at < DRAIN_S - 2

        assert (status, words(transcript)) == ("completed", words(LINES))
        assert tier.hand_offs("draining", "in_pause") == 1
        since = ask(call, "repeat after me good night")
        assert await ends(call, since) == ("completed", "Good night.")


@pytest.mark.parametrize("tier", ["echo"], indirect=True)
async def test_a_replica_that_hangs_is_left(tier: Tier) -> None:
    async with RealtimeCall() as call:
        await tier.transceiver.place(call, "echo")
        serving = await tier.serving()
        serving.process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE_S):
            while tier.hand_offs("lost", "resumed") < 1:
                await asyncio.sleep(0.05)
        call.check()


@pytest.mark.parametrize("tier", ["echo"], indirect=True)
async def test_a_call_that_no_replica_is_left_for_ends_with_an_error(tier: Tier) -> None:
    async with RealtimeCall() as call:
        await tier.transceiver.place(call, "echo")
        killed_at = time.monotonic()
        for replica in tier.replicas:
            replica.end()
        error = await call.event("error", timeout_s=PATIENCE_S)

        assert error.event["error"]["code"] == "engine_lost"
        assert time.monotonic() - killed_at > 2.5
        assert tier.hand_offs("lost", "abandoned") == 1
