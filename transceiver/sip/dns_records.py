"""Records of the DNS, kept for as long as they say."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.rdatatype

from transceiver.sip.location import Naptr, Srv

LOOK_UP_S = 3.0
MAX_NAMES = 1024
LEAST_S, MOST_S = 5.0, 300.0
"""How long records are kept, whatever they say."""
UNKNOWN_S = 30.0
"""And what says nothing of that: addresses, and that there are no records."""

_Answer = tuple[Sequence[Any], float]


class Resolver:
    """Implements `location.DnsRecords`. Addresses are those that the system finds, in
    /etc/hosts too; other records come from its name servers."""

    def __init__(
        self,
        resolver: dns.asyncresolver.Resolver | None = None,
        *,
        look_up_s: float = LOOK_UP_S,
    ) -> None:
        """By default the system's servers are asked, for so long at most."""
        self._resolver = resolver
        self._look_up_s = look_up_s
        self._known: dict[tuple[str, str], tuple[float, asyncio.Future[Sequence[Any]]]] = {}

    async def naptr(self, name: str) -> Sequence[Naptr]:
        return await self._kept("NAPTR", name, self._naptr)

    async def srv(self, name: str) -> Sequence[Srv]:
        return await self._kept("SRV", name, self._srv)

    async def hosts(self, name: str) -> Sequence[str]:
        return await self._kept("A", name, _hosts)

    async def _kept(
        self, kind: str, name: str, look_up: Callable[[str], Awaitable[_Answer]]
    ) -> Sequence[Any]:
        """Who asks while it is being looked up waits for the same answer."""
        loop = asyncio.get_running_loop()
        until, found = self._known.get((kind, name), (0.0, None))
        if found is not None and (not found.done() or until > loop.time()):
            return await asyncio.shield(found)
        found = loop.create_future()
        self._keep(kind, name, loop.time() + self._look_up_s, found)
        records: Sequence[Any] = ()
        seconds = 0.0
        try:
            records, seconds = await look_up(name)
        finally:
            found.set_result(records)
            self._keep(kind, name, loop.time() + min(max(seconds, LEAST_S), MOST_S), found)
        return records

    def _keep(
        self, kind: str, name: str, until: float, found: "asyncio.Future[Sequence[Any]]"
    ) -> None:
        self._known.pop((kind, name), None)
        self._known[kind, name] = until, found
        while len(self._known) > MAX_NAMES:
            del self._known[next(iter(self._known))]

    async def _naptr(self, name: str) -> _Answer:
        answer = await self._asked(name, "NAPTR")
        records, seconds = answer
        return [
            Naptr(each.order, each.preference, each.service.decode("latin-1")) for each in records
        ], seconds

    async def _srv(self, name: str) -> _Answer:
        records, seconds = await self._asked(name, "SRV")
        return [
            Srv(each.priority, each.weight, each.port, str(each.target)) for each in records
        ], seconds

    async def _asked(self, name: str, kind: str) -> _Answer:
        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
            answer = await self._resolver.resolve(
                name, kind, lifetime=self._look_up_s, search=False
            )
        except (dns.exception.DNSException, OSError, ValueError):
            return (), UNKNOWN_S
        return list(answer), float(answer.rrset.ttl if answer.rrset else UNKNOWN_S)


async def _hosts(name: str) -> _Answer:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOK_UP_S):
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError, TimeoutError):
        return (), UNKNOWN_S
    return list(dict.fromkeys(str(each[4][0]) for each in found)), UNKNOWN_S
