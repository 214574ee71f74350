"""A call of aiortc's client behind a NAT that forgets its port in mid-call, through all tiers."""

import json
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from antiphon.realtime_call import RealtimeCall
from antiphon_proto.address import Address
from tests.e2e.client_socket import open_client, received
from tests.e2e.echo import hears_an_echo
from tests.e2e.nat import Nat
from tests.e2e.running_deployment import RunningDeployment, wait_until

PATIENCE_S = 15.0
FORGERIES = 30
"""Of each sort: fewer in all than the packets from unknown addresses that an SSRC may bring."""


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment that is reached through a NAT, and a call in it."""

    nat: Nat
    deployment: RunningDeployment
    call: RealtimeCall

    @property
    def relay(self) -> Address:
        host, port = self.deployment.public
        return host, port

    def flows(self, client: Address) -> list[str]:
        """The states of the client address's flows at the relay."""
        host, port = client
        admin = self.deployment.report("relay")["admin"]
        url = f"http://{admin}/debug/relay/client?host={host}&port={port}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return [flow["state"] for flow in json.load(response)["flows"]]

    def refused(self) -> int:
        """Media from elsewhere that the call did not take for its client's."""
        samples = self.deployment.metrics("transceiver")
        return int(samples['antiphon_transceiver_drops_total{reason="rebinding_refused"}'])


@pytest.fixture
async def place(
    nat_and_deployment: tuple[Nat, RunningDeployment],
) -> AsyncIterator[Place]:
    nat, deployment = nat_and_deployment
    nat.open((deployment.public.host, deployment.public.port))
    async with RealtimeCall() as call:
        session = {"type": "realtime", "model": "echo"}
        await call.place(deployment.url, deployment.api_key, session)
        assert await hears_an_echo(call, PATIENCE_S)
        yield Place(nat, deployment, call)
    nat.shut()


async def test_a_call_follows_its_client_by_media_alone(place: Place) -> None:
    place.nat.checks_pass = False
    for _ in range(2):
        left = place.nat.outside
        assert place.flows(left) == ["bound"]
        place.nat.rebind()
        assert await hears_an_echo(place.call, PATIENCE_S)
        assert place.flows(place.nat.outside) == ["bound"]
        assert place.flows(left) == []
    assert place.refused() == 0


def replayed(packet: bytes) -> bytes:
    return packet


def altered(packet: bytes) -> bytes:
    return packet[:-1] + bytes([packet[-1] ^ 1])


def continued(packet: bytes) -> bytes:
    """As if it were the newest."""
    later = int.from_bytes(packet[2:4], "big") + 1000 & 0xFFFF
    return packet[:2] + later.to_bytes(2, "big") + packet[4:]


async def test_spoofed_media_with_the_clients_ssrc_changes_nothing(place: Place) -> None:
    client, refused = place.nat.outside, place.refused()
    stolen = list(place.nat.media)[-FORGERIES:]
    with open_client(place.relay) as elsewhere:
        for forge in (replayed, altered, continued):
            for packet in stolen:
                elsewhere.send(forge(packet))
        sent = 3 * len(stolen)
        wait_until(lambda: place.refused() == refused + sent, "the call refuses them all")
        assert place.flows(elsewhere.getsockname()) == []
        assert place.flows(client) == ["bound"]
        assert await hears_an_echo(place.call, PATIENCE_S)
        assert received(elsewhere) == []
