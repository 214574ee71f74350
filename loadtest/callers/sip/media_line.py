"""A telephone's plain RTP: a socket of its own, and what its network does to what passes it."""

import asyncio
import random
import time

from loadtest.callers.address import Address
from loadtest.callers.impairment import Impairment
from loadtest.callers.media_socket import MediaSocket
from loadtest.callers.sip.caller import Caller
from loadtest.callers.speech import FRAME_S
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Network

SETTLE_FRAMES = 50
"""Of so many, what came is noted: once a second."""
REPORT_FRAMES = 250
"""Of so many, RTCP says how many were sent: every five seconds."""


class MediaLine:
    """RTP from one port to one address, and back: symmetric, as all telephones have it."""

    def __init__(
        self,
        media: MediaSocket,
        peer: Address,
        caller: Caller,
        measures: Measures,
        network: Network,
        chance: random.Random,
    ) -> None:
        self._media = media
        self._peer = peer
        self._caller = caller
        self._measures = measures
        self._out = Impairment[bytes](network, chance)
        self._in = Impairment[bytes](network, chance)

    async def talk(self, until: float) -> None:
        """Speak and listen until then, by `time.monotonic`."""
        loop = asyncio.get_running_loop()
        self._media.connect(self._peer)
        loop.add_reader(self._media.fileno(), self._read)
        due, frames = time.monotonic(), 0
        try:
            while due < until:
                self._say(due)
                frames += 1
                if frames % SETTLE_FRAMES == 0:
                    self._caller.settle()
                if frames % REPORT_FRAMES == 0:
                    self._send(self._caller.report(time.monotonic()))
                due += FRAME_S
                await self._sleep_until(due)
        finally:
            loop.remove_reader(self._media.fileno())

    def _say(self, due: float) -> None:
        packet = self._caller.say(due)
        self._measures.note(Latency.SEND_LATENESS, max(0.0, time.monotonic() - due))
        if not self._send(packet):
            self._measures.count(Count.FRAMES_DROPPED)

    def _send(self, datagram: bytes) -> bool:
        """False: the network took it."""
        if self._out.transparent:
            self._media.send_to(datagram, self._peer)
            return True
        return self._out.pass_on(datagram, time.monotonic())

    def _read(self) -> None:
        while (found := self._media.receive()) is not None:
            datagram, arrived_at, _source = found
            if self._in.transparent:
                self._caller.received(datagram, arrived_at)
            elif not self._in.pass_on(datagram, arrived_at):
                self._caller.dropped(datagram)

    async def _sleep_until(self, due: float) -> None:
        """And let through meanwhile what the network held up."""
        while True:
            now = time.monotonic()
            for _at, datagram in self._out.due(now):
                self._media.send_to(datagram, self._peer)
            for at, datagram in self._in.due(now):
                self._caller.received(datagram, at)
            waking = (due, self._out.next_at, self._in.next_at)
            wake_at = min(at for at in waking if at is not None)
            await asyncio.sleep(max(0.0, wake_at - now))
            if wake_at >= due:
                return
