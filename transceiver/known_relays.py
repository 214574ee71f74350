"""Has a worker know the relays that an operator named, before a client comes through them.

A call by SIP without ICE begins at its owner: the relays are told of its peer's address before
anything came from there.
"""

import asyncio
from collections.abc import Callable, Iterable

from antiphon_proto.address import Address
from chassis.host_port import HostPort
from chassis.name_lookup import addresses_of_name
from transceiver.replica_addresses import ReplicaAddresses

LOOK_UP_S = 5.0


async def introduce_relays(
    relays: ReplicaAddresses, introduce: Callable[[Iterable[Address]], None]
) -> None:
    """Follow the names, for ever; listed ones are named again, too, as they may have been away."""
    while relays.listed or relays.names:
        found = [*relays.listed]
        for name in relays.names:
            hosts = await addresses_of_name(name.host)
            found += [HostPort(host, name.port) for host in hosts]
        introduce((each.host, each.port) for each in found)
        await asyncio.sleep(LOOK_UP_S)
