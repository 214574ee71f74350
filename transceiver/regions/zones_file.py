"""The file of --zones: clusters, and where clients are, in TOML.

trusted-proxies = ["10.0.0.0/8"]            # who may say where a client is, by:
zone-header = "CF-IPCountry"                #   a word, which zones list
address-header = "X-Forwarded-For"          #   the client's address; this one by default
default-zone = "europe"                     # of clients that no zone has

[clusters.2]                                # by its --cluster-id
api = "https://us.voice.example"            # its Realtime API, as this cluster reaches it

[zones.europe]
clusters = [1, 2]                           # where its calls are made: the first with room
relay = "203.0.113.7:3478"                  # where its media goes; --advertise by default
header-values = ["DE", "FR"]
networks = ["192.0.2.0/24", "2001:db8::/32"]
"""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import TypeVar

import msgspec
from yarl import URL

from chassis.host_port import HostPort
from transceiver.regions.network_map import IpNetwork, NetworkMap
from transceiver.regions.zones import Zone, Zones

MAX_CLUSTER_ID = 255
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

ValueT = TypeVar("ValueT")
ReadT = TypeVar("ReadT")


class ZonesError(ValueError):
    """The file cannot be used; the text names the place."""


def parse_zones(text: str, here: int) -> Zones:
    """Read the file for the cluster of the id `here`. Raises ZonesError."""
    try:
        file = msgspec.toml.decode(text, type=_File)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ZonesError(str(error)) from error
    apis = {_cluster_id(name): _api(name, table.api) for name, table in file.clusters.items()}
    known = {here, *apis}
    zones = {name: _zone(name, table, known) for name, table in file.zones.items()}
    default = None
    if file.default_zone is not None:
        default = _at("default-zone", lambda name: _named(name, zones), file.default_zone)
    trusted = _at("trusted-proxies", _networks, file.trusted_proxies)
    if file.zone_header is not None and not trusted:
        raise ZonesError("zone-header: trusted-proxies must say who may set it")
    return Zones(
        zones,
        apis,
        default,
        NetworkMap.of((network, True) for network in trusted),
        _at("zone-header", _header, file.zone_header),
        _at("address-header", _header, file.address_header) or "",
        _by_value(file),
        _by_network(file),
    )


class _Table(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    pass


class _Cluster(_Table):
    api: str


class _Zone(_Table):
    clusters: list[int]
    relay: str | None = None
    header_values: list[str] = []
    networks: list[str] = []


class _File(_Table):
    trusted_proxies: list[str] = []
    zone_header: str | None = None
    address_header: str = "X-Forwarded-For"
    default_zone: str | None = None
    clusters: dict[str, _Cluster] = {}
    zones: dict[str, _Zone] = {}


def _at(place: str, read: Callable[[ValueT], ReadT], value: ValueT) -> ReadT:
    """Raises ZonesError that names the place."""
    try:
        return read(value)
    except ValueError as error:
        raise ZonesError(f"{place}: {error}") from error


def _cluster_id(name: str) -> int:
    if not (name.isascii() and name.isdigit() and int(name) <= MAX_CLUSTER_ID):
        raise ZonesError(f"clusters.{name}: expected a cluster id from 0 to {MAX_CLUSTER_ID}")
    return int(name)


def _api(name: str, text: str) -> str:
    return _at(f"clusters.{name}.api", _url, text)


def _url(text: str) -> str:
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"expected a URL like https://us.voice.example, not {text!r}")
    if url.query_string or url.fragment or url.user or url.password:
        raise ValueError("expected a URL without user, query and fragment")
    return text.rstrip("/")


def _zone(name: str, table: _Zone, known: set[int]) -> Zone:
    place = f"zones.{name}"
    if not _NAME.fullmatch(name):
        raise ZonesError(f"{place}: expected a name of letters, digits, dots and dashes")
    if not table.clusters or len(set(table.clusters)) < len(table.clusters):
        raise ZonesError(f"{place}.clusters: expected cluster ids, none of them twice")
    for cluster in table.clusters:
        if cluster not in known:
            raise ZonesError(f"{place}.clusters: there is no [clusters.{cluster}] with its api")
    relay = None
    if table.relay is not None:
        relay = _at(f"{place}.relay", HostPort.parse_concrete, table.relay)
    return Zone(name, tuple(table.clusters), relay)


def _named(name: str, zones: dict[str, Zone]) -> Zone:
    if name not in zones:
        raise ValueError(f"there is no [zones.{name}]")
    return zones[name]


def _header(name: str | None) -> str | None:
    if name is not None and not _HEADER.fullmatch(name):
        raise ValueError(f"expected the name of an HTTP header, not {name!r}")
    return name


def _networks(texts: list[str]) -> list[IpNetwork]:
    return [ip_network(text) for text in texts]


def _by_value(file: _File) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, table in file.zones.items():
        if table.header_values and file.zone_header is None:
            raise ZonesError(f"zones.{name}.header-values: zone-header must name the header")
        for value in table.header_values:
            other = values.setdefault(value.strip().lower(), name)
            if other != name:
                raise ZonesError(f"zones.{name}.header-values: {value!r} is in {other}, too")
    return values


def _by_network(file: _File) -> NetworkMap[str]:
    networks: dict[IpNetwork, str] = {}
    for name, table in file.zones.items():
        for network in _at(f"zones.{name}.networks", _networks, table.networks):
            other = networks.setdefault(network, name)
            if other != name:
                raise ZonesError(f"zones.{name}.networks: {network} is in {other}, too")
    return NetworkMap.of(networks.items())
