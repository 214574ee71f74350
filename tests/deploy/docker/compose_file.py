"""What deploy/compose.yaml says of its services, as far as it is used there.

https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parents[3] / "deploy/compose.yaml"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_KNOWN = {
    "image",
    "build",
    "command",
    "environment",
    "restart",
    "network_mode",
    "networks",
    "healthcheck",
    "volumes",
    "ports",
    "stop_grace_period",
    "depends_on",
    "read_only",
    "tmpfs",
    "cap_drop",
    "security_opt",
    "logging",
    "profiles",
}


@dataclass(frozen=True)
class Service:
    name: str
    text: Mapping[str, Any]

    def __post_init__(self) -> None:
        assert set(self.text) <= _KNOWN, set(self.text) - _KNOWN

    @property
    def image(self) -> str:
        return str(self.text["image"])

    @property
    def dockerfile(self) -> str:
        """Beside the file's own directory; services without one use another's image."""
        return str(self.text["build"]["dockerfile"])

    @property
    def command(self) -> list[str] | None:
        """None for the image's own."""
        return self.text.get("command")

    @property
    def environment(self) -> dict[str, str]:
        """Those that have a value: one without is handed on from the shell, if that has it."""
        variables = self.text.get("environment") or {}
        return {name: str(value) for name, value in variables.items() if value is not None}

    @property
    def passed_on(self) -> set[str]:
        """The variables of the shell that it gets."""
        variables = self.text.get("environment") or {}
        return {name for name, value in variables.items() if value is None}

    @property
    def address(self) -> str | None:
        """The one that it always has."""
        networks = self.text.get("networks")
        return networks["tiers"]["ipv4_address"] if isinstance(networks, dict) else None

    @property
    def is_asked_for(self) -> bool:
        """Whether it runs when somebody says so, and not with the others."""
        return "profiles" in self.text

    @property
    def networks(self) -> set[str]:
        return set(self.text.get("networks") or ())

    @property
    def ports(self) -> list[tuple[int, int, str]]:
        """The host's, the container's, and udp or tcp."""
        return [_port(text) for text in self.text.get("ports") or ()]

    @property
    def volumes(self) -> list[tuple[str, str, bool]]:
        """The volume's name, where it is, and whether it may be written there."""
        parts = [text.split(":") for text in self.text.get("volumes") or ()]
        return [(each[0], each[1], each[2:] != ["ro"]) for each in parts]

    @property
    def waits_for(self) -> dict[str, str]:
        """Service -> condition."""
        return {
            name: each["condition"] for name, each in (self.text.get("depends_on") or {}).items()
        }

    @property
    def stop_grace_seconds(self) -> int:
        return int(str(self.text.get("stop_grace_period", "10s")).removesuffix("s"))


@dataclass(frozen=True)
class ComposeFile:
    services: dict[str, Service]
    subnet: str
    volumes: set[str]


def read(variables: Mapping[str, str]) -> ComposeFile:
    """As Docker Compose would with these variables. Raises ValueError where one is needed."""
    text = yaml.safe_load(_interpolated(PATH.read_text(), variables))
    services = {name: Service(name, each) for name, each in text["services"].items()}
    (subnet,) = text["networks"]["tiers"]["ipam"]["config"]
    return ComposeFile(services, subnet["subnet"], set(text["volumes"]))


def in_order(services: Mapping[str, Service]) -> list[Service]:
    """Each behind those that it waits for. Raises ValueError where they wait in a circle."""
    ordered: list[Service] = []
    while len(ordered) < len(services):
        started = {service.name for service in ordered}
        free = [
            s for s in services.values() if s.name not in started and set(s.waits_for) <= started
        ]
        if not free:
            raise ValueError("services wait for one another")
        ordered.append(free[0])
    return ordered


def _interpolated(text: str, variables: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name, operator, other = found.groups()
        if variables.get(name):
            return variables[name]
        if operator == "?":
            raise ValueError(f"{name} {other}")
        return other or ""

    return _VARIABLE.sub(value, text)


def _port(text: str) -> tuple[int, int, str]:
    ports, _, protocol = text.partition("/")
    host, _, container = ports.partition(":")
    return int(host), int(container), protocol
