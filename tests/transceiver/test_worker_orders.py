"""What a worker does at its parent's orders."""

import asyncio
import multiprocessing
from collections.abc import Callable

import pytest

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.regions.zones import CurrentZones, Zones
from transceiver.regions.zones_file import parse_zones
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.worker_lives import Drain, Order
from transceiver.worker_orders import WorkerOrders

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(32)))
ACCESS = SipAccess(credentials=PhoneCredentials(["alice:antiphon:" + "0" * 32]))
ZONES = parse_zones('[zones.here]\nclusters = [0]\nrelay = "203.0.113.7:3478"', here=0)


class Worker:
    def __init__(self) -> None:
        self.api_keys = ApiKeys(["sk-one"])
        self.sip_access = CurrentAccess(SipAccess())
        self.zones = CurrentZones(Zones())
        self.keys: ClusterKeys | None = None
        self.told: list[SipAccess] = []
        self.sip_access.on_change(self.told.append)

    def use_keys(self, keys: ClusterKeys) -> None:
        self.keys = keys


@pytest.mark.parametrize(
    ("order", "is_obeyed"),
    [
        (KEYS, lambda worker: worker.keys == KEYS),
        (ApiKeys(["sk-two"]), lambda worker: worker.api_keys == ApiKeys(["sk-two"])),
        (ZONES, lambda worker: worker.zones.now == ZONES),
        (ACCESS, lambda worker: worker.sip_access.now == ACCESS and worker.told == [ACCESS]),
    ],
)
async def test_what_is_ordered_is_in_use_before_the_worker_drains(
    order: Order, is_obeyed: Callable[[Worker], bool]
) -> None:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    with receiving, sending:
        worker = Worker()
        orders = WorkerOrders(receiving, worker.api_keys, None, worker.sip_access, worker.zones)
        with orders.obeyed([worker]):
            assert not is_obeyed(worker)
            sending.send(order)
            sending.send(Drain(1.0))
            assert await asyncio.wait_for(orders.drain, 10) == Drain(1.0)
        assert is_obeyed(worker)
