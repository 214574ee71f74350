"""Ports that RTP comes to: sipp sends captures from ports that it does not listen at."""

import asyncio
import socket
from typing import Self

from tests.e2e.sip.sipp import PORTS_A_CALL

LOUD = 24
"""Of a mu-law sample's 127 steps: louder than what a line has when nobody speaks."""


class RtpEars:
    """Open while it is used as a context; keeps nothing but counts."""

    def __init__(self, host: str, first_port: int, calls: int) -> None:
        self._sockets: list[socket.socket] = []
        self._audible = [0] * calls
        for call in range(calls):
            ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ear.setblocking(False)
            ear.bind((host, first_port + PORTS_A_CALL * call))
            self._sockets.append(ear)

    def audible_packets(self) -> list[int]:
        """Of each call: how many of the packets that came to it hold a sound."""
        return self._audible

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for call, ear in enumerate(self._sockets):
            loop.add_reader(ear, self._hear, call)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        for ear in self._sockets:
            asyncio.get_running_loop().remove_reader(ear)
            ear.close()

    def _hear(self, call: int) -> None:
        payload = self._sockets[call].recv(2048)[12:]
        self._audible[call] += any(~byte & 0x7F > LOUD for byte in payload)
