"""Who may reach whom by the NetworkPolicies of a release.

https://kubernetes.io/docs/concepts/services-networking/network-policies/: what a policy of a
direction selects is closed in that direction but for what any policy admits; a connection needs
both ends to admit it, and answers need nothing.
"""

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.k8s.release import Release, selects

Item = dict[str, Any]


@dataclass(frozen=True)
class Party:
    """A pod, or an address outside when it has no labels."""

    name: str
    namespace: str | None = None
    labels: dict[str, str] = field(default_factory=dict, hash=False)
    address: str = "10.9.9.9"
    namespace_labels: dict[str, str] = field(default_factory=dict, hash=False)


def admitted(release: Release, source: Party, target: Party, protocol: str, port: int) -> bool:
    """Whether `source` may send to `port` of `target`."""
    return _open(release, "Egress", source, target, protocol, port) and _open(
        release, "Ingress", target, source, protocol, port
    )


def _open(
    release: Release, direction: str, subject: Party, other: Party, protocol: str, port: int
) -> bool:
    policies = [
        item
        for item in release.of("NetworkPolicy")
        if direction in item["spec"]["policyTypes"]
        and subject.namespace == item["metadata"]["namespace"]
        and selects(item["spec"]["podSelector"], subject.labels)
    ]
    side = "to" if direction == "Egress" else "from"
    rules = [rule for item in policies for rule in item["spec"].get(direction.lower()) or []]
    home = subject.namespace
    return not policies or any(
        _admits_peer(rule.get(side), other, home)
        and _admits_port(rule.get("ports"), protocol, port)
        for rule in rules
    )


def _admits_peer(peers: list[Item] | None, other: Party, home: str | None) -> bool:
    return not peers or any(_is_peer(peer, other, home) for peer in peers)


def _is_peer(peer: Item, other: Party, home: str | None) -> bool:
    if "ipBlock" in peer:
        return _within(peer["ipBlock"], other)
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        in_namespace = selects(peer["namespaceSelector"], other.namespace_labels)
    else:
        in_namespace = other.namespace == home
    return in_namespace and selects(peer.get("podSelector"), other.labels)


def _within(block: Item, other: Party) -> bool:
    """By address alone; whether a network means pods, too, is the network plugin's choice."""
    address = ipaddress.ip_address(other.address)
    inside = address in ipaddress.ip_network(block["cidr"])
    excepted = any(address in ipaddress.ip_network(part) for part in block.get("except") or [])
    return inside and not excepted


def _admits_port(ports: list[Item] | None, protocol: str, port: int) -> bool:
    return not ports or any(
        entry.get("protocol", "TCP") == protocol
        and entry.get("port", port) <= port <= entry.get("endPort", entry.get("port", port))
        for entry in ports
    )
