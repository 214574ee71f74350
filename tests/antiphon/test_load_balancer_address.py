from typing import Any

import pytest

from antiphon.load_balancer_address import LoadBalancerAddress, preferred


def service(*ingress: Any) -> dict[str, Any]:
    return {"status": {"loadBalancer": {"ingress": list(ingress)}}}


@pytest.mark.parametrize(
    "pending",
    [
        {},
        {"status": {}},
        {"status": {"loadBalancer": {}}},
        {"status": {"loadBalancer": {"ingress": None}}},
        service(),
        service({"ip": ""}, "nonsense", {"ip": "not-an-ip"}),
    ],
)
def test_has_none_while_the_load_balancer_is_made(pending: dict[str, Any]) -> None:
    assert LoadBalancerAddress.of_service(pending) == LoadBalancerAddress((), ())


def test_reads_addresses_and_names() -> None:
    told = service({"ip": "203.0.113.7"}, {"ip": "2001:db8::7"}, {"hostname": "lb.example"})
    address = LoadBalancerAddress.of_service(told)
    assert address == LoadBalancerAddress(("203.0.113.7", "2001:db8::7"), ("lb.example",))


def test_prefers_a_family() -> None:
    ips = ("2001:db8::7", "203.0.113.7", "203.0.113.8")
    assert preferred(ips, "IPv4") == "203.0.113.7"
    assert preferred(ips, "IPv6") == "2001:db8::7"
    assert preferred(("203.0.113.7",), "IPv6") == "203.0.113.7"
    assert preferred((), "IPv4") is None
