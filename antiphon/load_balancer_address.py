"""Where clients reach a Service of type LoadBalancer."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

IP_VERSIONS = {"IPv4": 4, "IPv6": 6}
"""Kubernetes' names of address families."""


@dataclass(frozen=True, slots=True)
class LoadBalancerAddress:
    """What a cloud wrote into the Service's status."""

    ips: tuple[str, ...]
    hostnames: tuple[str, ...]
    """Some clouds tell names alone, which have to be resolved."""

    @classmethod
    def of_service(cls, service: Mapping[str, Any]) -> "LoadBalancerAddress":
        """Empty while the load balancer is being made."""
        ingress = list(_ingress(service))
        return cls(
            tuple(str(each["ip"]) for each in ingress if _is_ip(each.get("ip"))),
            tuple(str(each["hostname"]) for each in ingress if each.get("hostname")),
        )


def preferred(ips: tuple[str, ...], family: str) -> str | None:
    """The first address of `family` (IPv4 or IPv6), else of the other one."""
    ranked = sorted(ips, key=lambda ip: ipaddress.ip_address(ip).version != IP_VERSIONS[family])
    return ranked[0] if ranked else None


def _ingress(service: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    status = service.get("status") or {}
    entries = (status.get("loadBalancer") or {}).get("ingress") or []
    return (entry for entry in entries if isinstance(entry, Mapping))


def _is_ip(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True
