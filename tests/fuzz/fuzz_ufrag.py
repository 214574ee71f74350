"""Ufrags: anything reads or has a fault, and a ufrag has one spelling."""

import contextlib
from base64 import b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from antiphon_proto.address import pack_host
from antiphon_proto.cluster_keys import ClusterKeys, Layout
from antiphon_proto.ufrag import EPOCH, Owner, UfragError, UfragMinter, UfragReader

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
READER = UfragReader(KEYS)
MINTER = UfragMinter(KEYS)
OWNERS = [
    Owner("192.0.2.10", 40001, 0, 3, EPOCH + 3600),
    Owner("2001:db8::a", 40002, 7, 200, EPOCH + 3600),
]
SEEDS = [
    *(MINTER.mint(owner, bytes(6)).encode() for owner in OWNERS),
    MINTER.mint_short(OWNERS[0], bytes(6)).encode(),
]


def one_input(data: bytes) -> None:
    _read(data)
    _read_ipv4(data[:14].ljust(16, b"\0"))
    _read_ipv6(data[:28].ljust(32, b"\0"))


def _read(ufrag: bytes) -> None:
    with contextlib.suppress(UfragError):
        assert len(READER.password(ufrag)) == 24
    with contextlib.suppress(UfragError):
        owner = READER.read(ufrag, EPOCH)
        mint = MINTER.mint_short if len(ufrag) == 16 else MINTER.mint
        again = mint(owner, bytes(6)).encode()
        assert len(again) == len(ufrag)
        assert READER.read(again, EPOCH) == owner


def _read_ipv4(clear: bytes) -> None:
    owner = READER.read(_encrypted(Layout.IPV4, clear), EPOCH)
    assert pack_host(owner.address) == clear[:4]
    assert (owner.cluster_id, owner.incarnation) == (clear[6], clear[7])
    _check_port_and_time(owner, clear[4:6], clear[8:11])


def _read_ipv6(clear: bytes) -> None:
    owner = READER.read(_encrypted(Layout.IPV6, clear), EPOCH)
    assert pack_host(owner.address) == clear[12:28]
    assert (owner.incarnation, owner.cluster_id) == (clear[5], clear[6])
    _check_port_and_time(owner, clear[10:12], clear[7:10])


def _check_port_and_time(owner: Owner, port: bytes, minutes: bytes) -> None:
    assert owner.port == int.from_bytes(port, "big")
    assert owner.not_after == EPOCH + 60 * int.from_bytes(minutes, "big")


def _encrypted(layout: Layout, clear: bytes) -> bytes:
    """A ufrag of arbitrary fields, as no forger could make it."""
    config = KEYS.minting(layout)
    key = config.derive(f"ufrag cipher {layout.value}", 16)
    blocks = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor().update(clear)
    return b"AI"[config.id : config.id + 1] + b64encode(blocks).rstrip(b"=")
