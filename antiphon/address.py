"""`antiphon address`: the address of a Service of type LoadBalancer, once it has one.

Transceivers advertise the relay's public address, which a cloud assigns only when the Service
is there: an init container finds it out.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from antiphon.kubernetes_api import KubernetesApi, KubernetesApiError, PodAccess
from antiphon.load_balancer_address import IP_VERSIONS, LoadBalancerAddress, preferred
from antiphon.namespaced_name import NamespacedName
from chassis.host_port import HostPort
from chassis.name_lookup import addresses_of_name
from chassis.settings import load, positive, setting, whole_number

POLL_S = 2.0


def family(text: str) -> str:
    """Raises ValueError unless it is IPv4 or IPv6."""
    if text not in IP_VERSIONS:
        raise ValueError(f"expected IPv4 or IPv6, not {text!r}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSettings:
    """Waits until a Service of Kubernetes has a load balancer's address, and tells it."""

    service: NamespacedName = setting(
        parse=NamespacedName.parse, help="NAMESPACE/NAME of the Service"
    )
    port: int = setting(3478, parse=whole_number(1, 65535), help="port to tell with the address")
    family: str = setting("IPv4", parse=family, help="family to prefer: IPv4 or IPv6")
    timeout_seconds: int = setting(600, parse=positive, help="how long to wait at most")
    output: str | None = setting(
        None, parse=str, help="file to write HOST:PORT to; by default it is printed"
    )


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Tell the address. Returns 1 where there was none in time."""
    settings = load(AddressSettings, argv, environ, prog="antiphon address")
    access = PodAccess.of_environment(environ)
    address = asyncio.run(wait_for_address(settings, access))
    if address is None:
        return 1
    _tell(str(address), settings.output)
    return 0


async def wait_for_address(settings: AddressSettings, access: PodAccess) -> HostPort | None:
    """None when the time is over; says on standard error what is waited for."""
    said = ""
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            while True:
                found, reason = await _look(settings, access)
                if found is not None:
                    return HostPort(found, settings.port)
                if reason != said:
                    _say(said := reason)
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        _say(
            f"gave up after {settings.timeout_seconds} s: name an address yourself "
            "(relay.advertise of the chart)"
        )
        return None


async def _look(settings: AddressSettings, access: PodAccess) -> tuple[str | None, str]:
    """The address, or why there is none yet."""
    try:
        async with KubernetesApi(access) as api:
            service = await api.get(settings.service.path("services"))
    except KubernetesApiError as error:
        return None, str(error)
    address = LoadBalancerAddress.of_service(service)
    ips = address.ips or await _resolved(address.hostnames)
    return preferred(ips, settings.family), f"Service {settings.service} has no address yet"


async def _resolved(hostnames: Sequence[str]) -> tuple[str, ...]:
    """In a fixed order, so that pods choose alike."""
    found = [await addresses_of_name(hostname) for hostname in hostnames]
    return tuple(sorted(set(chain.from_iterable(found))))


def _tell(address: str, output: str | None) -> None:
    if output is None:
        print(address)
        return
    partial = Path(f"{output}.partial")
    partial.write_text(f"{address}\n", encoding="ascii")
    os.replace(partial, output)


def _say(text: str) -> None:
    print(f"antiphon address: {text}", file=sys.stderr, flush=True)
