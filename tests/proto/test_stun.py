import binascii
import hmac
import json
import struct
from pathlib import Path

import aioice.stun
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.stun import StunClass, StunError, StunMessage

RFC5769 = json.loads((Path(__file__).parents[1] / "vectors/stun_rfc5769.json").read_text())
REQUEST = bytes.fromhex(RFC5769["request"]["datagram"])
RFC_PASSWORD = RFC5769["password"].encode()

TRANSACTION = bytes(range(12))
PASSWORD = b"the password of the call"
COOKIE = bytes.fromhex("2112a442")

transaction_ids = st.binary(min_size=12, max_size=12)
mapped_addresses = st.tuples(st.ip_addresses().map(str), st.integers(0, 65535))


def check(**changes: object) -> bytes:
    arguments: dict[str, object] = {
        "username": b"ours:theirs",
        "password": PASSWORD,
        "priority": 1845501695,
        "tie_breaker": 0x0102030405060708,
        "controlling": True,
    }
    return stun.binding_request(TRANSACTION, **(arguments | changes))  # type: ignore[arg-type]


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(*attributes: bytes, message_type: int = 1) -> bytes:
    body = b"".join(attributes)
    return struct.pack(">HH", message_type, len(body)) + COOKIE + TRANSACTION + body


def integrity_of(*attributes: bytes, password: bytes = PASSWORD) -> bytes:
    """The MESSAGE-INTEGRITY attribute that belongs after `attributes`."""
    covered = bytearray(message(*attributes))
    covered[2:4] = struct.pack(">H", len(covered) - 20 + 24)
    return attribute(stun.MESSAGE_INTEGRITY, hmac.digest(password, bytes(covered), "sha1"))


def fingerprint_of(*attributes: bytes) -> bytes:
    """The FINGERPRINT attribute that belongs after `attributes`."""
    covered = message(*attributes, bytes(8))[:-8]
    crc = binascii.crc32(covered) ^ 0x5354554E
    return attribute(stun.FINGERPRINT, struct.pack(">I", crc))


class TestRfc5769:
    def test_request(self) -> None:
        request = stun.parse(REQUEST)
        expected = RFC5769["request"]
        assert request.message_class is StunClass.REQUEST
        assert request.method == stun.BINDING
        assert request.transaction_id.hex() == RFC5769["transaction_id"]
        assert request.username == expected["username"].encode()
        assert request.local_ufrag == b"evtj"
        assert request.priority == expected["priority"]
        assert request.ice_controlled == expected["ice_controlled"]
        assert request.ice_controlling is None
        assert not request.use_candidate
        assert request.unknown_required == ()
        assert request.verify(RFC_PASSWORD)
        assert not request.verify(RFC_PASSWORD + b"x")

    @pytest.mark.parametrize("name", ["response_ipv4", "response_ipv6"])
    def test_response(self, name: str) -> None:
        response = stun.parse(bytes.fromhex(RFC5769[name]["datagram"]))
        assert response.message_class is StunClass.SUCCESS
        assert response.mapped_address == tuple(RFC5769[name]["mapped_address"])
        assert response.username is None
        assert response.local_ufrag is None
        assert response.verify(RFC_PASSWORD)


FINGERPRINT_BYTES = 8


class TestIntegrity:
    def test_a_message_without_it_verifies_with_no_password(self) -> None:
        bare = stun.parse(message(attribute(stun.USERNAME, b"ours:theirs")))
        assert not bare.has_integrity
        assert not bare.verify(PASSWORD)
        assert not bare.verify(b"")

    def test_a_forged_one_does_not_verify(self) -> None:
        assert not stun.parse(check(password=b"a guess")).verify(PASSWORD)

    @pytest.mark.parametrize("byte", range(len(REQUEST) - FINGERPRINT_BYTES))
    def test_no_bit_up_to_the_integrity_can_be_changed(self, byte: int) -> None:
        """Behind it stands only FINGERPRINT, which is no proof of anything."""
        for bit in range(8):
            changed = bytearray(REQUEST)
            changed[byte] ^= 1 << bit
            try:
                request = stun.parse(bytes(changed))
            except StunError:
                continue
            assert not request.verify(RFC_PASSWORD)

    def test_what_follows_it_is_ignored(self) -> None:
        signed = attribute(stun.PRIORITY, bytes(4))
        integrity = integrity_of(signed)
        smuggled = [
            attribute(stun.USE_CANDIDATE, b""),
            attribute(stun.USERNAME, b"victim:theirs"),
            attribute(stun.ICE_CONTROLLING, bytes(8)),
            attribute(0x7FFF, b"?"),
            attribute(stun.MESSAGE_INTEGRITY, b"short"),
        ]
        request = stun.parse(message(signed, integrity, *smuggled))
        assert request.verify(PASSWORD)
        assert request.priority == 0
        assert not request.use_candidate
        assert request.username is None
        assert request.ice_controlling is None
        assert request.unknown_required == ()

    def test_the_first_of_two_counts(self) -> None:
        username = attribute(stun.USERNAME, b"ours:theirs")
        forged = integrity_of(username, password=b"a guess")
        second = integrity_of(username, forged)
        assert not stun.parse(message(username, forged, second)).verify(PASSWORD)

    def test_a_wrong_length_is_malformed(self) -> None:
        with pytest.raises(StunError):
            stun.parse(message(attribute(stun.MESSAGE_INTEGRITY, bytes(16))))


class TestAttributes:
    def test_the_first_username_wins(self) -> None:
        first, second = attribute(stun.USERNAME, b"a:x"), attribute(stun.USERNAME, b"b:x")
        request = stun.parse(message(first, second, integrity_of(first, second)))
        assert request.username == b"a:x"
        assert request.local_ufrag == b"a"
        assert request.verify(PASSWORD)

    @pytest.mark.parametrize(
        ("username", "ufrag"), [(b"a:b", b"a"), (b"a:b:c", b"a"), (b":b", b""), (b"ab", None)]
    )
    def test_the_local_ufrag_ends_at_the_first_colon(
        self, username: bytes, ufrag: bytes | None
    ) -> None:
        assert stun.parse(message(attribute(stun.USERNAME, username))).local_ufrag == ufrag

    def test_unknown_attributes_that_must_be_understood_are_named(self) -> None:
        request = stun.parse(
            message(attribute(0x7F00, b"a"), attribute(0xC057, b"b"), attribute(0x001A, b""))
        )
        assert request.unknown_required == (0x7F00, 0x001A)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            (stun.PRIORITY, bytes(3)),
            (stun.USE_CANDIDATE, b"\0"),
            (stun.ICE_CONTROLLING, bytes(4)),
            (stun.ICE_CONTROLLED, bytes(12)),
            (stun.XOR_MAPPED_ADDRESS, b""),
            (stun.XOR_MAPPED_ADDRESS, bytes.fromhex("0002a147e112a643")),
            (stun.XOR_MAPPED_ADDRESS, bytes.fromhex("0001a147") + bytes(16)),
            (stun.ERROR_CODE, bytes(3)),
            (stun.ERROR_CODE, bytes.fromhex("00000200")),
            (stun.ERROR_CODE, bytes.fromhex("00000464")),
        ],
    )
    def test_malformed_values(self, kind: int, value: bytes) -> None:
        with pytest.raises(StunError):
            stun.parse(message(attribute(kind, value)))


class TestFingerprint:
    def test_a_wrong_one_is_malformed(self) -> None:
        with pytest.raises(StunError):
            stun.parse(message(attribute(stun.FINGERPRINT, bytes(4))))

    def test_it_must_be_last(self) -> None:
        fingerprint = fingerprint_of()
        assert stun.parse(message(fingerprint)).method == stun.BINDING
        with pytest.raises(StunError):
            stun.parse(message(fingerprint, attribute(0x8022, b"")))

    def test_a_right_one_is_no_integrity(self) -> None:
        username = attribute(stun.USERNAME, b"ours:theirs")
        assert not stun.parse(message(username, fingerprint_of(username))).verify(PASSWORD)


class TestHeader:
    @pytest.mark.parametrize(
        "datagram",
        [
            b"",
            message()[:19],
            b"\x40" + message()[1:],
            message()[:4] + b"\x21\x12\xa4\x43" + message()[8:],
            message() + b"\0",
            message() + bytes(4),
            struct.pack(">HH", 1, 2) + COOKIE + TRANSACTION + bytes(2),
            message(struct.pack(">HH", 0x8022, 1)),
        ],
    )
    def test_malformed(self, datagram: bytes) -> None:
        with pytest.raises(StunError):
            stun.parse(datagram)

    @pytest.mark.parametrize(
        ("message_type", "message_class", "method"),
        [
            (0x0001, StunClass.REQUEST, 1),
            (0x0011, StunClass.INDICATION, 1),
            (0x0101, StunClass.SUCCESS, 1),
            (0x0111, StunClass.ERROR, 1),
            (0x0004, StunClass.REQUEST, 4),
            (0x3EEF, StunClass.REQUEST, 0xFFF),
        ],
    )
    def test_class_and_method_share_a_field(
        self, message_type: int, message_class: StunClass, method: int
    ) -> None:
        parsed = stun.parse(message(message_type=message_type))
        assert (parsed.message_class, parsed.method) == (message_class, method)

    @pytest.mark.parametrize("length", [0, 11, 13])
    def test_a_transaction_id_is_12_bytes(self, length: int) -> None:
        with pytest.raises(ValueError, match="12"):
            stun.binding_success(bytes(length), mapped=("192.0.2.1", 1), password=PASSWORD)


class TestRoundTrip:
    @given(
        transaction_ids,
        st.binary(max_size=100),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**64 - 1),
        st.booleans(),
        st.booleans(),
    )
    def test_request(
        self,
        transaction: bytes,
        username: bytes,
        priority: int,
        tie_breaker: int,
        controlling: bool,
        use_candidate: bool,
    ) -> None:
        request = stun.parse(
            stun.binding_request(
                transaction,
                username=username,
                password=PASSWORD,
                priority=priority,
                tie_breaker=tie_breaker,
                controlling=controlling,
                use_candidate=use_candidate,
            )
        )
        assert request.verify(PASSWORD)
        assert request.transaction_id == transaction
        assert request.username == username
        assert request.priority == priority
        assert request.ice_controlling == (tie_breaker if controlling else None)
        assert request.ice_controlled == (None if controlling else tie_breaker)
        assert request.use_candidate == use_candidate

    @given(transaction_ids, mapped_addresses)
    @example(TRANSACTION, ("::ffff:192.0.2.1", 0))
    def test_success(self, transaction: bytes, mapped: Address) -> None:
        encoded = stun.binding_success(transaction, mapped=mapped, password=PASSWORD)
        response = stun.parse(encoded)
        assert response.verify(PASSWORD)
        assert response.message_class is StunClass.SUCCESS
        assert response.mapped_address is not None
        again = stun.binding_success(transaction, mapped=response.mapped_address, password=PASSWORD)
        assert again == encoded

    @given(st.integers(300, 699), st.text(max_size=40), st.lists(st.integers(0, 0x7FFF)))
    def test_error(self, code: int, reason: str, unknown: list[int]) -> None:
        response = stun.parse(
            stun.binding_error(
                TRANSACTION,
                code=code,
                reason=reason,
                password=PASSWORD,
                unknown_attributes=tuple(unknown),
            )
        )
        assert response.verify(PASSWORD)
        assert response.message_class is StunClass.ERROR
        assert response.error_code == code

    def test_truncation_at_every_byte_is_malformed(self) -> None:
        whole = check(use_candidate=True)
        for length in range(len(whole)):
            with pytest.raises(StunError):
                stun.parse(whole[:length])

    @given(st.binary(max_size=200), st.booleans())
    def test_arbitrary_bytes_raise_only_stun_errors(self, data: bytes, with_header: bool) -> None:
        datagram = struct.pack(">HH", 1, len(data)) + COOKIE + TRANSACTION if with_header else b""
        try:
            parsed = stun.parse(datagram + data)
        except StunError:
            return
        assert isinstance(parsed, StunMessage)
        assert not parsed.verify(PASSWORD)


def read_by_aioice(datagram: bytes) -> aioice.stun.Message:
    message = aioice.stun.parse_message(datagram)
    assert message.check_message_integrity(PASSWORD)
    return message


class TestAioice:
    """A stack that is not ours reads what we write, and the other way round."""

    def test_it_accepts_our_check(self) -> None:
        request = read_by_aioice(check(use_candidate=True))
        assert request.message_class is aioice.stun.Class.REQUEST
        assert request.attributes["USERNAME"] == "ours:theirs"
        assert request.attributes["PRIORITY"] == 1845501695
        assert "USE-CANDIDATE" in request.attributes

    @pytest.mark.parametrize("mapped", [("192.0.2.1", 4000), ("2001:db8::1", 4001)])
    def test_it_accepts_our_answer(self, mapped: Address) -> None:
        answer = stun.binding_success(TRANSACTION, mapped=mapped, password=PASSWORD)
        response = read_by_aioice(answer)
        assert response.attributes["XOR-MAPPED-ADDRESS"] == mapped

    def test_it_accepts_our_refusal(self) -> None:
        answer = stun.binding_error(
            TRANSACTION, code=487, reason="Role Conflict", password=PASSWORD
        )
        response = read_by_aioice(answer)
        assert response.attributes["ERROR-CODE"] == (487, "Role Conflict")

    def test_we_accept_its_check(self) -> None:
        theirs = aioice.stun.Message(
            message_method=aioice.stun.Method.BINDING,
            message_class=aioice.stun.Class.REQUEST,
            transaction_id=TRANSACTION,
        )
        theirs.attributes["USERNAME"] = "ours:theirs"
        theirs.attributes["PRIORITY"] = 7
        theirs.attributes["ICE-CONTROLLING"] = 9
        theirs.attributes["USE-CANDIDATE"] = None
        theirs.add_message_integrity(PASSWORD)
        request = stun.parse(bytes(theirs))
        assert request.verify(PASSWORD)
        assert (request.local_ufrag, request.priority) == (b"ours", 7)
        assert (request.ice_controlling, request.use_candidate) == (9, True)
