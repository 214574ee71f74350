from collections import Counter

import pytest

from antiphon_proto.address import Address
from tests.transceiver.sip.transport_driver import (
    ELSEWHERE,
    KEYS,
    OTHER_KEYS,
    WORKERS,
    names,
    request,
    response,
)
from transceiver.sip.message_router import DOWN_S, MessageRouter, Owner
from transceiver.sip.owner_tokens import OwnerTokens
from transceiver.sip.routing_fields import RoutingFields

HERE, NEXT, _ = WORKERS


@pytest.fixture
def router() -> MessageRouter:
    return MessageRouter(KEYS, HERE, WORKERS)


def owner(router: MessageRouter, message: bytes, now: float = 0.0) -> Owner:
    fields = RoutingFields.of(message)
    assert fields is not None
    return router.owner(fields, now)


@pytest.mark.parametrize("worker", [HERE, NEXT, ELSEWHERE])
def test_every_name_of_ours_tells_its_owner(router: MessageRouter, worker: tuple[str, int]) -> None:
    ours = names(worker)
    for message in (
        request("BYE", uri=f"sip:{ours.call_id()}@192.0.2.1:5060"),
        request("INVITE", to_tag=ours.tag()),
        response(branch=ours.branch()),
    ):
        assert owner(router, message) == Owner(worker, named=True)


def test_names_of_nobody_name_nobody(router: MessageRouter) -> None:
    theirs = names(NEXT, OTHER_KEYS)
    by_call_id = owner(router, request())
    assert not by_call_id.named
    for message in (
        request(uri=f"sip:{theirs.call_id()}@a"),
        request(to_tag=theirs.tag()),
        # A name of one kind is none of another.
        request(to_tag=names(NEXT).branch()),
    ):
        assert owner(router, message) == by_call_id
    assert owner(router, response(branch=theirs.branch())) == Owner(HERE, named=False)
    assert owner(router, response(branch=names(NEXT).tag())) == Owner(HERE, named=False)


def test_what_begins_meets_by_its_call_id_and_spreads() -> None:
    routers = [MessageRouter(KEYS, each, WORKERS) for each in WORKERS]
    shares: Counter[tuple[str, int]] = Counter()
    for number in range(300):
        met = {
            owner(router, request(method, call_id=f"call-{number}")).worker
            for router in routers
            for method in ("INVITE", "CANCEL", "ACK")
        }
        assert len(met) == 1
        shares[met.pop()] += 1
    assert min(shares.values()) > 60


def test_a_worker_that_cannot_be_reached_gets_nothing_that_begins(router: MessageRouter) -> None:
    named = request("BYE", to_tag=names(NEXT).tag())

    def began(now: float) -> set[Address]:
        return {owner(router, request(call_id=f"{n}"), now).worker for n in range(50)}

    router.unreachable(NEXT, 10.0)
    assert owner(router, named, 10.0) == Owner(NEXT, named=True)
    assert began(10.0) == set(WORKERS) - {NEXT}
    assert began(10.0 + DOWN_S) == set(WORKERS)
    router.unreachable(NEXT, 20.0)
    router.reachable(NEXT)
    assert began(20.0) == set(WORKERS)


def test_this_worker_reaches_itself(router: MessageRouter) -> None:
    for worker in WORKERS:
        router.unreachable(worker, 0.0)
    assert owner(router, request()).worker == HERE


def test_names_outlive_a_rotation_of_the_keys() -> None:
    tokens = OwnerTokens(KEYS)
    tag = tokens.tag(NEXT, bytes(12))
    tokens.use_keys(OTHER_KEYS)
    assert tokens.owner_of_tag(tag) is None
    both = type(KEYS)((*OTHER_KEYS.configs, *KEYS.configs))
    tokens.use_keys(both)
    assert tokens.owner_of_tag(tag) == NEXT
