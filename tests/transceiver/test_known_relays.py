"""Relays that an operator named are known before a client comes through them."""

import asyncio
from collections.abc import Iterable

import pytest

from antiphon_proto.address import Address
from transceiver.known_relays import introduce_relays
from transceiver.replica_addresses import ReplicaAddresses


async def introduced(relays: str) -> list[Address]:
    """What is said first."""
    said: asyncio.Future[list[Address]] = asyncio.get_running_loop().create_future()

    def introduce(addresses: Iterable[Address]) -> None:
        said.set_result(list(addresses))

    introducing = asyncio.create_task(introduce_relays(ReplicaAddresses.parse(relays), introduce))
    try:
        return await asyncio.wait_for(said, 5)
    finally:
        introducing.cancel()


@pytest.mark.parametrize(
    ("relays", "addresses"),
    [
        ("10.0.0.1:4000,10.0.0.2:4001", {("10.0.0.1", 4000), ("10.0.0.2", 4001)}),
        ("10.0.0.1:4000,dns:no-such-relay.invalid:4000", {("10.0.0.1", 4000)}),
    ],
)
async def test_those_listed_and_those_of_a_name(relays: str, addresses: set[Address]) -> None:
    assert set(await introduced(relays)) == addresses


async def test_every_address_of_a_name() -> None:
    assert ("127.0.0.1", 4000) in await introduced("dns:localhost:4000")


async def test_without_any_nobody_is_introduced() -> None:
    await introduce_relays(ReplicaAddresses(), lambda _addresses: pytest.fail("nobody"))
