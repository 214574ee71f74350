"""Finds the relays that `--clusters` names, again and again, for all workers."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from antiphon_proto.address import Address
from chassis.host_port import HostPort
from chassis.name_lookup import addresses_of_name
from relay.cluster_relays import ClusterRelays

LOOK_UP_S = 5.0


async def follow_clusters(
    clusters: ClusterRelays, tell: Callable[[Mapping[int, tuple[Address, ...]]], Awaitable[None]]
) -> None:
    """Follow the names, for ever, if there are any.

    A name that is not known at the moment keeps what it had.
    """
    answers: dict[HostPort, list[Address]] = {}
    told = None
    while clusters:
        found: dict[int, list[Address]] = defaultdict(list)
        for place in clusters:
            if place.is_name:
                answers[place.address] = await resolved_addresses(place.address) or answers.get(
                    place.address, []
                )
                found[place.cluster] += answers[place.address]
            else:
                found[place.cluster].append((place.address.host, place.address.port))
        now = {cluster: tuple(addresses) for cluster, addresses in found.items()}
        if now != told:
            await tell(now)
            told = now
        await asyncio.sleep(LOOK_UP_S)


async def resolved_addresses(name: HostPort) -> list[Address]:
    """None where the name is not known at the moment."""
    return [(host, name.port) for host in await addresses_of_name(name.host)]
