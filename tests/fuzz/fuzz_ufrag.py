"""Ufrags: anything reads or has a fault, and a ufrag has one spelling."""

import contextlib
from base64 import b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from antiphon_proto.cluster_keys import ClusterKeys, Layout
from antiphon_proto.ufrag import EPOCH, Owner, UfragError, UfragMinter, UfragReader

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
READER = UfragReader(KEYS)
MINTER = UfragMinter(KEYS)
OWNERS = [
    Owner("192.0.2.10", 40001, 0, 3, EPOCH + 3600),
    Owner("2001:db8::a", 40002, 7, 200, EPOCH + 3600),
]
SEEDS = [MINTER.mint(owner, bytes(6)).encode() for owner in OWNERS]


def one_input(data: bytes) -> None:
    _read(data)
    for layout, length in ((Layout.IPV4, 16), (Layout.IPV6, 32)):
        _read(_encrypted(layout, data[:length].ljust(length, b"\0")))


def _encrypted(layout: Layout, clear: bytes) -> bytes:
    """A ufrag that decrypts to arbitrary fields, as no forger could make it."""
    config = KEYS.minting(layout)
    key = config.derive(f"ufrag cipher {layout.value}", 16)
    blocks = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor().update(clear)
    return b"AI"[config.id : config.id + 1] + b64encode(blocks).rstrip(b"=")


def _read(ufrag: bytes) -> None:
    with contextlib.suppress(UfragError):
        assert len(READER.password(ufrag)) == 24
    with contextlib.suppress(UfragError):
        owner = READER.read(ufrag, EPOCH)
        assert len(ufrag) == (44 if ":" in owner.address else 23)
        again = MINTER.mint(owner, bytes(6)).encode()
        assert READER.read(again, EPOCH) == owner
