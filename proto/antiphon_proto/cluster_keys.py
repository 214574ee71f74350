"""The secrets that the processes of one cluster share, and the file that holds them.

    # config id, layout, cluster secret
    0 ipv4 7f3c...
    1 ipv6 7f3c...
    2 short 7f3c...

The first line of a layout mints, every line reads. `antiphon keys rotate` adds lines
behind the others, moves them to the front once every process has them, and removes the
old ones when nothing that they minted is in use.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
UNROUTABLE_CONFIG_ID = 7
"""Never assigned, so that a ufrag can say that it names no owner."""

_SECRET = re.compile(r"[0-9a-fA-F]{64}")
_CONFIG_ID = re.compile(r"[0-6]")


class ClusterKeyError(ValueError):
    """A key file, or what was asked of it, does not work. The text holds no secret."""


class Layout(Enum):
    """What a ufrag names its owner by."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    SHORT = "short"
    """IPv4 too, in 16 characters; only for peers that cut what is longer."""


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """One line of the key file: an id on the wire, and what it means there."""

    id: int
    layout: Layout
    secret: bytes = field(repr=False)

    def derive(self, label: str, length: int = 32) -> bytes:
        """Key material for one purpose; distinct labels give independent keys.

        https://datatracker.ietf.org/doc/html/rfc5869
        """
        info = b"antiphon v1 " + label.encode()
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(self.secret)

    @property
    def fingerprint(self) -> str:
        """8 hexadecimal digits that tell two secrets apart, and nothing of either."""
        return self.derive("key fingerprint", 4).hex()


@dataclass(frozen=True, slots=True)
class ClusterKeys:
    """Every config of a cluster, in the order of the file; ids are unique and there is one."""

    configs: tuple[KeyConfig, ...]

    @classmethod
    def parse(cls, text: str) -> "ClusterKeys":
        """Read a key file. Raises ClusterKeyError naming the line."""
        configs: dict[int, KeyConfig] = {}
        for number, line in _content_lines(text):
            config = _parse_line(number, line)
            if config.id in configs:
                raise ClusterKeyError(f"line {number}: config id {config.id} is used twice")
            configs[config.id] = config
        if not configs:
            raise ClusterKeyError("the file holds no key")
        return cls(tuple(configs.values()))

    @classmethod
    def generate(cls, random: bytes) -> str:
        """The text of a key file with one config a layout, from 32 secret random bytes."""
        if len(random) != SECRET_BYTES:
            raise ValueError(f"a cluster secret is {SECRET_BYTES} bytes")
        lines = [f"{id_} {layout.value} {random.hex()}" for id_, layout in enumerate(Layout)]
        return "\n".join(["# config id, layout, cluster secret", *lines, ""])

    @property
    def first(self) -> KeyConfig:
        """The config whose secret serves what has no layout: client secrets, the tunnel."""
        return self.configs[0]

    def minting(self, layout: Layout) -> KeyConfig:
        """The config that new ufrags of a layout use. Raises ClusterKeyError when there is none."""
        for config in self.configs:
            if config.layout is layout:
                return config
        raise ClusterKeyError(f"the key file has no {layout.value} line")

    def derive(self, label: str) -> bytes:
        """32 bytes for one purpose, from the secret that mints."""
        return self.first.derive(label)

    def derive_all(self, label: str) -> list[bytes]:
        """The same from every secret, the minting one first, to verify across a rotation."""
        return list(dict.fromkeys(config.derive(label) for config in self.configs))


def _content_lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield number, content


def _parse_line(number: int, line: str) -> KeyConfig:
    fields = line.split()
    if len(fields) != 3:
        raise ClusterKeyError(f"line {number}: expected a config id, a layout and a secret")
    id_, layout, secret = fields
    if not _CONFIG_ID.fullmatch(id_):
        raise ClusterKeyError(f"line {number}: a config id is a number from 0 to 6")
    if layout not in {known.value for known in Layout}:
        raise ClusterKeyError(f"line {number}: the layout is ipv4, ipv6 or short")
    if not _SECRET.fullmatch(secret):
        raise ClusterKeyError(f"line {number}: a cluster secret is 64 hexadecimal digits")
    return KeyConfig(int(id_), Layout(layout), bytes.fromhex(secret))
