"""Callers and mishaps, so that dashboards have something to show: all of it is real."""

import asyncio
import contextlib
import random
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import psutil

from antiphon.call import session_config
from antiphon.realtime_call import CallError, RealtimeCall
from antiphon.wav import Samples
from bench.measured_process import ProcessFailedError
from bench.transceiver.generator import Generator, Service
from bench.transceiver.load_client import Habits
from bench.transceiver.speech import VOIP, packets
from chassis.host_port import HostPort
from tests.e2e.running_deployment import RunningDeployment

TALKERS, ECHOED = 3, 3
TURNS_A_CALL = 4
PATIENCE_S = 30.0
FLOOD_PACKETS, FLOOD_BURST = 20_000, 200
GUESSES = 40


@dataclass(frozen=True, slots=True)
class Traffic:
    """What happens to one deployment in so many seconds."""

    deployment: RunningDeployment
    questions: Sequence[Samples]
    seconds: float

    async def run(self) -> None:
        """Calls all the time; half-way a replica is killed, later strangers come."""
        talkers = [asyncio.create_task(self._talk(caller)) for caller in range(TALKERS)]
        try:
            async with asyncio.timeout(self.seconds):
                await self._happen()
                await asyncio.Event().wait()
        except TimeoutError:
            pass
        finally:
            for talker in talkers:
                talker.cancel()
            await asyncio.wait(talkers)

    async def _happen(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            await self._echo(stack)
            await asyncio.sleep(self.seconds / 4)
            await self._echo(stack)
            await asyncio.sleep(self.seconds / 4)
            self._kill_a_replica()
            await asyncio.sleep(self.seconds / 6)
            await self._flood()
            await self._guess_keys()
            await asyncio.sleep(self.seconds)

    async def _echo(self, stack: contextlib.AsyncExitStack) -> None:
        """Some more calls of people who speak without a pause, and hear themselves."""
        service = Service(self.deployment.url, self.deployment.api_key)
        generator = Generator(service, Habits(packets(VOIP), red=True), lost_share=0.01)
        stack.push_async_callback(generator.close)
        try:
            await generator.place(ECHOED)
        except ProcessFailedError as refused:
            print(f"a call less: {refused}")
            generator.clients[:] = [each for each in generator.clients if each.connected]
        generator.start()

    async def _talk(self, caller: int) -> None:
        """Conversations of a few turns, one after the other."""
        order = random.Random(caller)  # noqa: S311
        while True:
            with contextlib.suppress(CallError):
                async with RealtimeCall() as call:
                    session = session_config("cascade")
                    await call.place(self.deployment.url, self.deployment.api_key, session)
                    for _turn in range(TURNS_A_CALL):
                        await self._ask(call, order.choice(self.questions))
            await asyncio.sleep(order.uniform(0.5, 3))

    async def _ask(self, call: RealtimeCall, question: Samples) -> None:
        since = len(call.events)
        call.microphone.say(question)
        heard = "output_audio_buffer.stopped"
        await call.event(heard, since=since, timeout_s=PATIENCE_S)
        await asyncio.sleep(0.5)

    def _kill_a_replica(self) -> None:
        """`antiphon up` starts another; calls go on at the one that is left."""
        children = psutil.Process(self.deployment.process.pid).children()
        replica = next(each for each in children if "inference" in each.cmdline()[2:5])
        replica.send_signal(signal.SIGKILL)

    async def _flood(self) -> None:
        """Datagrams that are none of ours."""
        noise = random.Random(1)  # noqa: S311
        public = _reachable(self.deployment.public)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for sent in range(FLOOD_PACKETS):
                stranger.sendto(noise.randbytes(noise.randint(20, 200)), public)
                if sent % FLOOD_BURST == 0:
                    await asyncio.sleep(0.05)

    async def _guess_keys(self) -> None:
        async with aiohttp.ClientSession() as http:
            for guess in range(GUESSES):
                headers = {"Authorization": f"Bearer sk-guess-{guess}"}
                url = f"{self.deployment.url}/v1/realtime/client_secrets"
                async with http.post(url, headers=headers, json={}) as response:
                    await response.read()


def _reachable(public: HostPort) -> tuple[str, int]:
    host = "127.0.0.1" if public.host == "0.0.0.0" else public.host  # noqa: S104
    return host, public.port
