import contextlib
import dataclasses
import hmac
import json
import struct
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import pack_host
from antiphon_proto.cluster_keys import ClusterKeyError, ClusterKeys
from antiphon_proto.ufrag import (
    EPOCH,
    SHORT_LIFETIME_S,
    Owner,
    UfragError,
    UfragFault,
    UfragMinter,
    UfragReader,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/ufrag.json").read_text())
KEYS = ClusterKeys.parse(VECTORS["key_file"])
READER = UfragReader(KEYS)
MINTER = UfragMinter(KEYS)
NOW = 1_780_000_000.0
OWNER = Owner("192.0.2.10", 40001, 0, 3, 1_790_000_000)
OWNER_IPV6 = dataclasses.replace(OWNER, address="2001:db8::a")
RANDOM = bytes(range(6))

owners = st.builds(
    Owner,
    st.ip_addresses().map(lambda address: str(address)),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFF),
    st.integers(0, 0xFF),
    st.integers(EPOCH, EPOCH + 60 * 0xFFFFFF),
)
randoms = st.binary(min_size=6, max_size=6)


def fault_of(ufrag: bytes, now: float = NOW, reader: UfragReader = READER) -> UfragFault:
    with pytest.raises(UfragError) as caught:
        reader.read(ufrag, now)
    return caught.value.reason


class TestVectors:
    @pytest.mark.parametrize("vector", VECTORS["ufrags"], ids=lambda vector: vector["ufrag"])
    def test_minted_and_read(self, vector: dict[str, Any]) -> None:
        owner = Owner(**vector["owner"])
        assert MINTER.mint(owner, bytes.fromhex(vector["random"])) == vector["ufrag"]
        ufrag = vector["ufrag"].encode()
        expected = dataclasses.replace(owner, not_after=vector["read_not_after"])
        assert READER.read(ufrag, owner.not_after) == expected
        assert READER.password(ufrag) == vector["password"].encode()

    @pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["why"])
    def test_refused(self, vector: dict[str, Any]) -> None:
        assert fault_of(vector["ufrag"].encode(), vector["now"]).value == vector["reason"]

    @pytest.mark.parametrize("name", VECTORS["derived"])
    def test_derived_keys(self, name: str) -> None:
        expected = VECTORS["derived"][name]
        config = KEYS.configs[expected["config"]]
        key = bytes.fromhex(expected["key"])
        assert config.derive(name, len(key)) == key

    @pytest.mark.parametrize("vector", VECTORS["ufrags"], ids=lambda vector: vector["ufrag"])
    def test_the_documented_steps_without_our_codec(self, vector: dict[str, Any]) -> None:
        layout = "ipv6" if ":" in vector["owner"]["address"] else "ipv4"
        key = bytes.fromhex(VECTORS["derived"][f"ufrag cipher {layout}"]["key"])
        blocks = b64decode(vector["ufrag"][1:] + "==")
        clear = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor().update(blocks)
        assert (blocks.hex(), clear.hex()) == (vector["encrypted"], vector["clear"])
        address = {"ipv4": clear[:4], "ipv6": clear[12:28]}[layout]
        port = {"ipv4": clear[4:6], "ipv6": clear[10:12]}[layout]
        assert address == pack_host(vector["owner"]["address"])
        assert struct.unpack(">H", port) == (vector["owner"]["port"],)

    @pytest.mark.parametrize("vector", VECTORS["short"], ids=lambda vector: vector["ufrag"])
    def test_short_ones_minted_and_read(self, vector: dict[str, Any]) -> None:
        owner = Owner(**vector["owner"])
        assert MINTER.mint_short(owner, bytes.fromhex(vector["random"])) == vector["ufrag"]
        ufrag = vector["ufrag"].encode()
        expected = dataclasses.replace(owner, not_after=vector["read_not_after"])
        for earlier_s in (0, 3600, SHORT_LIFETIME_S):
            assert READER.read(ufrag, owner.not_after - earlier_s) == expected
        assert READER.password(ufrag) == vector["password"].encode()

    @pytest.mark.parametrize("vector", VECTORS["short"], ids=lambda vector: vector["ufrag"])
    def test_the_documented_rounds_without_our_codec(self, vector: dict[str, Any]) -> None:
        key = bytes.fromhex(VECTORS["derived"]["ufrag cipher short"]["key"])
        encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update
        text = bytes.fromhex(vector["clear"])
        left, right = text[:6], text[6:]
        for number in range(4):
            half = right if number % 2 else left
            mask = encrypt(bytes([number]) + half + bytes(15 - len(half)))
            mixed = bytes(a ^ b for a, b in zip(left if number % 2 else right, mask, strict=False))
            left, right = (mixed, right) if number % 2 else (left, mixed)
        assert (left + right).hex() == vector["encrypted"]
        assert b64encode(left + right).rstrip(b"=").decode() == vector["ufrag"][1:]

    def test_the_documented_password_without_our_codec(self) -> None:
        vector = VECTORS["ufrags"][0]
        key = bytes.fromhex(VECTORS["derived"]["ufrag password"]["key"])
        digest = hmac.digest(key, vector["ufrag"].encode(), "sha256")
        assert b64encode(digest[:18]).decode() == vector["password"]


class TestRoundTrip:
    @given(owners, randoms)
    def test_the_owner_survives(self, owner: Owner, random: bytes) -> None:
        ufrag = MINTER.mint(owner, random)
        read = READER.read(ufrag.encode(), owner.not_after)
        assert pack_host(read.address) == pack_host(owner.address)
        assert (read.port, read.cluster_id, read.incarnation) == (
            owner.port,
            owner.cluster_id,
            owner.incarnation,
        )
        assert 0 <= read.not_after - owner.not_after < 60
        assert read.not_after % 60 == 0

    @pytest.mark.parametrize(("owner", "length"), [(OWNER, 23), (OWNER_IPV6, 44)])
    def test_lengths_are_fixed(self, owner: Owner, length: int) -> None:
        ufrag = MINTER.mint(owner, RANDOM)
        assert len(ufrag) == length
        assert len(READER.password(ufrag.encode())) == 24

    @pytest.mark.parametrize("owner", [OWNER, OWNER_IPV6])
    @given(random=randoms, other=randoms)
    def test_two_ufrags_of_one_owner_share_nothing(
        self, owner: Owner, random: bytes, other: bytes
    ) -> None:
        one, two = MINTER.mint(owner, random), MINTER.mint(owner, other)
        nonce = slice(1, 4 if owner is OWNER else 6)
        if random[nonce] == other[nonce]:
            assert one[1:] == two[1:]
        else:
            assert one[1:17] != two[1:17]
            assert READER.password(one.encode()) != READER.password(two.encode())

    @pytest.mark.parametrize("owner", [OWNER, OWNER_IPV6])
    def test_truncation_at_every_byte(self, owner: Owner) -> None:
        ufrag = MINTER.mint(owner, RANDOM).encode()
        for length in range(len(ufrag)):
            assert fault_of(ufrag[:length]) is UfragFault.LENGTH

    @given(st.binary(max_size=50))
    def test_arbitrary_bytes_raise_only_ufrag_errors(self, data: bytes) -> None:
        for read in (lambda: READER.read(data, NOW), lambda: READER.password(data)):
            with contextlib.suppress(UfragError):
                read()

    @pytest.mark.parametrize("owner", [OWNER, OWNER_IPV6])
    def test_a_changed_block_fails_the_check(self, owner: Owner) -> None:
        ufrag = MINTER.mint(owner, RANDOM).encode()
        last = len(ufrag) - 2
        changed = ufrag[:last] + (b"A" if ufrag[last : last + 1] != b"A" else b"B") + ufrag[-1:]
        assert fault_of(changed) is UfragFault.CHECK


class TestShort:
    @given(owners.filter(lambda owner: ":" not in owner.address), randoms, st.floats(0, 1))
    def test_the_owner_survives(self, owner: Owner, random: bytes, share: float) -> None:
        ufrag = MINTER.mint_short(owner, random)
        assert len(ufrag) == 16
        now = owner.not_after - share * SHORT_LIFETIME_S
        read = READER.read(ufrag.encode(), now)
        assert dataclasses.replace(read, not_after=owner.not_after) == owner
        assert 0 <= read.not_after - owner.not_after < 3600

    @given(st.integers(0, 2**17 - 2))
    def test_numbers_that_grow_give_ufrags_that_differ(self, number: int) -> None:
        one, two = (
            MINTER.mint_short(OWNER, bytes((each & 7,)) + (each >> 3).to_bytes(2, "big") + bytes(3))
            for each in (number, number + 1)
        )
        assert one != two
        assert READER.password(one.encode()) != READER.password(two.encode())

    def test_an_owner_with_an_ipv6_address_has_none(self) -> None:
        with pytest.raises(ValueError, match="IPv6"):
            MINTER.mint_short(OWNER_IPV6, RANDOM)

    @pytest.mark.parametrize("change", [{"port": 65536}, {"cluster_id": 256}, {"not_after": 0}])
    def test_a_field_that_does_not_fit_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"."):
            MINTER.mint_short(dataclasses.replace(OWNER, **change), RANDOM)

    @given(st.binary(min_size=11, max_size=11))
    def test_a_guess_has_no_password_of_its_own(self, guess: bytes) -> None:
        """It may name anybody, but only the holder of the keys can make a check for it."""
        first = MINTER.mint_short(OWNER, RANDOM)[0].encode()
        ufrag = first + b64encode(guess).rstrip(b"=")
        with contextlib.suppress(UfragError):
            READER.read(ufrag, NOW)
        assert len(READER.password(ufrag)) == 24

    def test_a_key_file_without_a_line_for_them_mints_none(self) -> None:
        with pytest.raises(ClusterKeyError, match="short"):
            UfragMinter(ClusterKeys.parse(f"0 ipv4 {'11' * 32}")).mint_short(OWNER, RANDOM)


class TestCanonical:
    @pytest.mark.parametrize("owner", [OWNER, OWNER_IPV6])
    def test_a_ufrag_has_one_spelling(self, owner: Owner) -> None:
        ufrag = MINTER.mint(owner, RANDOM)
        block = b64decode(ufrag[1:] + "==")
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        spellings = [
            ufrag[:-1] + last
            for last in alphabet
            if last != ufrag[-1] and b64decode(ufrag[1:-1] + last + "==") == block
        ]
        assert spellings
        for spelling in spellings:
            assert fault_of(spelling.encode()) is UfragFault.MALFORMED

    @pytest.mark.parametrize("foreign", [b"-", b"_", b"=", b" ", b"\n", b":", b"\xff", b"\0"])
    def test_no_character_is_skipped(self, foreign: bytes) -> None:
        ufrag = MINTER.mint(OWNER, RANDOM).encode()
        for position in range(len(ufrag)):
            changed = ufrag[:position] + foreign + ufrag[position + 1 :]
            assert fault_of(changed) is UfragFault.MALFORMED


class TestExpiry:
    def test_the_last_second_counts(self) -> None:
        ufrag = MINTER.mint(OWNER, RANDOM).encode()
        not_after = READER.read(ufrag, NOW).not_after
        assert READER.read(ufrag, float(not_after)).not_after == not_after
        assert fault_of(ufrag, not_after + 0.001) is UfragFault.EXPIRED

    def test_the_minute_is_rounded_up(self) -> None:
        owner = dataclasses.replace(OWNER, not_after=EPOCH + 61)
        assert READER.read(MINTER.mint(owner, RANDOM).encode(), EPOCH).not_after == EPOCH + 120

    @pytest.mark.parametrize("not_after", [EPOCH - 60, EPOCH + 60 * 0x1000000])
    def test_a_time_that_does_not_fit_is_refused(self, not_after: int) -> None:
        with pytest.raises(ValueError, match="not-after"):
            MINTER.mint(dataclasses.replace(OWNER, not_after=not_after), RANDOM)


class TestRotation:
    OLD = f"0 ipv4 {'11' * 32}\n"
    NEW = f"1 ipv4 {'22' * 32}\n"

    def keys(self, *lines: str) -> ClusterKeys:
        return ClusterKeys.parse("".join(lines))

    def test_a_relay_that_learned_the_next_config_reads_both(self) -> None:
        relay = UfragReader(self.keys(self.OLD, self.NEW))
        for minting in (self.keys(self.OLD), self.keys(self.NEW, self.OLD)):
            ufrag = UfragMinter(minting).mint(OWNER, RANDOM).encode()
            assert relay.read(ufrag, NOW).address == OWNER.address
            assert relay.password(ufrag) == UfragReader(minting).password(ufrag)

    def test_the_first_config_mints(self) -> None:
        relay = UfragReader(self.keys(self.OLD))
        ufrag = UfragMinter(self.keys(self.OLD, self.NEW)).mint(OWNER, RANDOM).encode()
        assert relay.read(ufrag, NOW).address == OWNER.address

    def test_a_removed_config_is_unknown(self) -> None:
        relay = UfragReader(self.keys(self.NEW))
        ufrag = UfragMinter(self.keys(self.OLD)).mint(OWNER, RANDOM).encode()
        assert fault_of(ufrag, reader=relay) is UfragFault.UNKNOWN_CONFIG
        with pytest.raises(UfragError):
            relay.password(ufrag)

    def test_another_clusters_secret_fails_the_check(self) -> None:
        stranger = UfragReader(self.keys(f"0 ipv4 {'33' * 32}"))
        ufrag = UfragMinter(self.keys(self.OLD)).mint(OWNER, RANDOM).encode()
        assert fault_of(ufrag, reader=stranger) is UfragFault.CHECK
        assert stranger.password(ufrag) != UfragReader(self.keys(self.OLD)).password(ufrag)


class TestMinting:
    @pytest.mark.parametrize("length", [0, 5, 7])
    def test_it_takes_six_random_bytes(self, length: int) -> None:
        with pytest.raises(ValueError, match="random"):
            MINTER.mint(OWNER, bytes(length))

    @pytest.mark.parametrize(
        "change",
        [
            {"address": "localhost"},
            {"port": 65536},
            {"port": -1},
            {"cluster_id": 256},
            {"incarnation": 256},
            {"incarnation": -1},
        ],
    )
    @pytest.mark.parametrize("owner", [OWNER, OWNER_IPV6])
    def test_a_field_that_does_not_fit_is_refused(
        self, owner: Owner, change: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match=r"."):
            MINTER.mint(dataclasses.replace(owner, **change), RANDOM)

    def test_a_layout_without_a_config_is_refused(self) -> None:
        minter = UfragMinter(ClusterKeys.parse(f"0 ipv4 {'11' * 32}"))
        with pytest.raises(ClusterKeyError):
            minter.mint(OWNER_IPV6, RANDOM)
