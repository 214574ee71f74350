"""Makes a relay known to transceivers before clients come to it.

A transceiver announces its calls to the relay workers that it knows, and looks their names up
every few seconds, at a DNS that may remember for longer that a new one is not there. Until it
knows that one, media that is sent there without a connectivity check is dropped. So the relay
says HELLO to them, while it comes up: whom they hear of they probe at once, and tell everything.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Sequence
from itertools import product

from antiphon_proto.address import Address, family_of
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import TunnelSender
from antiphon_proto.tunnel_control import Hello, control_frame
from chassis.name_lookup import addresses_of_name
from relay.cluster_lookup import LOOK_UP_S
from relay.owner_places import OwnerPlaces

EAGER_S = 0.5
"""How often it says so until it forwards; then as often as names are looked up."""


async def introduce(
    tunnels: Sequence[socket.socket],
    owners: OwnerPlaces,
    keys: Callable[[], ClusterKeys],
    forwards: Callable[[], bool],
) -> None:
    """Say HELLO from each tunnel socket to all of them, until these are closed."""
    # Not the workers' own, whose counters are theirs: what it says is asked for again by a probe.
    epoch = secrets.randbits(64)
    own = tunnels[0].getsockname()[0]
    while owners and all(tunnel.fileno() >= 0 for tunnel in tunnels):
        for address in await _found(owners):
            if family_of(address[0]) == family_of(own):
                _greet(tunnels, address, TunnelSender(keys(), epoch, address))
        await asyncio.sleep(LOOK_UP_S if forwards() else EAGER_S)


def _greet(tunnels: Sequence[socket.socket], owner: Address, sender: TunnelSender) -> None:
    greeting = control_frame(Hello(0, ()))
    for tunnel in tunnels:
        # Whoever is not there is greeted again.
        with contextlib.suppress(OSError):
            tunnel.sendto(sender.encode([greeting]), owner)


async def _found(owners: OwnerPlaces) -> list[Address]:
    found: list[Address] = []
    for place in owners:
        hosts = [place.host]
        if place.is_name:
            hosts = await addresses_of_name(place.host)
        found += product(hosts, place.ports)
    return found
