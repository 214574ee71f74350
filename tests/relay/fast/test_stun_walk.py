"""The compiled walk accepts what `stun.parse` accepts, and finds the same ufrag."""

from random import Random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from antiphon_proto import stun
from antiphon_proto.stun import StunClass, StunError
from relay.fast.numba_code import kept
from relay.fast.stun_walk import MALFORMED, NO_REQUEST, crc32, walk_stun
from relay.flows import NO_UFRAG, ufrag_mark

TRANSACTION = b"transaction1"
PASSWORD = b"password"
HEADER_BYTES = 20
MUTANTS = 4000


def message(*attributes: bytes, message_type: bytes = b"\0\1", cookie: int = 0x2112A442) -> bytes:
    body = b"".join(attributes)
    return (
        message_type
        + len(body).to_bytes(2, "big")
        + cookie.to_bytes(4, "big")
        + (TRANSACTION + body)
    )


def attribute(kind: int, value: bytes, size: int | None = None) -> bytes:
    length = len(value) if size is None else size
    padding = bytes(-len(value) % 4)
    return kind.to_bytes(2, "big") + length.to_bytes(2, "big") + value + padding


USERNAME = attribute(stun.USERNAME, b"ufrag:peer")
INTEGRITY = attribute(stun.MESSAGE_INTEGRITY, bytes(20))
CHECK = stun.binding_request(
    TRANSACTION,
    username=b"ufrag:peer",
    password=PASSWORD,
    priority=1,
    tie_breaker=2,
    controlling=True,
    use_candidate=True,
)
ANSWER = stun.binding_success(TRANSACTION, mapped=("203.0.113.7", 5000), password=PASSWORD)
ANSWER_IPV6 = stun.binding_success(TRANSACTION, mapped=("2001:db8::1", 5000), password=PASSWORD)
REFUSAL = stun.binding_error(
    TRANSACTION, code=420, reason="Unknown", password=PASSWORD, unknown_attributes=(1, 2)
)

MESSAGES = {
    "a check": CHECK,
    "an answer": ANSWER,
    "an answer with an IPv6 address": ANSWER_IPV6,
    "a refusal": REFUSAL,
    "an indication": message(message_type=b"\0\x11"),
    "another method": message(USERNAME, message_type=b"\0\3"),
    "nothing": b"",
    "half a header": CHECK[:10],
    "no attributes": message(),
    "no cookie": message(USERNAME, cookie=1),
    "a truncated check": CHECK[:-4],
    "bytes after the end": CHECK + bytes(4),
    "no colon": message(attribute(stun.USERNAME, b"ufrag")),
    "an empty ufrag": message(attribute(stun.USERNAME, b":peer")),
    "two usernames": message(USERNAME, attribute(stun.USERNAME, b"another:peer")),
    "a username that integrity does not cover": message(INTEGRITY, USERNAME),
    "a malformed attribute that integrity does not cover": message(
        USERNAME, INTEGRITY, attribute(stun.PRIORITY, bytes(8))
    ),
    "an attribute that is longer than the message": message(
        attribute(stun.USERNAME, b"ufrag:peer", 200)
    ),
    "integrity of another length": message(attribute(stun.MESSAGE_INTEGRITY, bytes(32))),
    "a priority of another length": message(attribute(stun.PRIORITY, bytes(8))),
    "a tie breaker of another length": message(attribute(stun.ICE_CONTROLLED, bytes(4))),
    "a candidate's use with a value": message(attribute(stun.USE_CANDIDATE, bytes(4))),
    "a fingerprint in front": message(attribute(stun.FINGERPRINT, bytes(4)), USERNAME),
    "a wrong fingerprint": message(USERNAME, attribute(stun.FINGERPRINT, bytes(4))),
    "a short fingerprint": message(USERNAME, attribute(stun.FINGERPRINT, bytes(2))),
    "an empty mapped address": message(attribute(stun.XOR_MAPPED_ADDRESS, b"")),
    "a mapped address of another family": message(
        attribute(stun.XOR_MAPPED_ADDRESS, b"\0\2" + bytes(6))
    ),
    "a second malformed mapped address": message(
        attribute(stun.XOR_MAPPED_ADDRESS, b"\0\1" + bytes(6)),
        attribute(stun.XOR_MAPPED_ADDRESS, b""),
    ),
    "an error that is none": message(attribute(stun.ERROR_CODE, b"\0\0\2\0")),
    "an error beyond 99": message(attribute(stun.ERROR_CODE, b"\0\0\4\x64")),
    "an empty error": message(attribute(stun.ERROR_CODE, b"")),
}


@kept
def walk(data: Any, at: int, length: int) -> int:
    return walk_stun(data, at, length)


@kept
def crc_of(data: Any) -> int:
    return crc32(data, 0, len(data))


def walked(datagram: bytes) -> int:
    """Between other bytes, which must not matter."""
    data = np.frombuffer(b"\xff\xff\xff" + datagram + b"\xff\xff\xff\xff", np.uint8)
    return walk(data, 3, len(datagram))


def parsed(datagram: bytes) -> int:
    try:
        read = stun.parse(datagram)
    except StunError:
        return MALFORMED
    if read.message_class is not StunClass.REQUEST:
        return NO_REQUEST
    ufrag = read.local_ufrag if read.method == stun.BINDING else None
    return NO_UFRAG if ufrag is None else ufrag_mark(ufrag) & 0xFFFFFFFF


@pytest.mark.parametrize("name", MESSAGES)
def test_reads_it_as_the_reference_does(name: str) -> None:
    assert walked(MESSAGES[name]) == parsed(MESSAGES[name])


def test_tells_all_kinds_of_messages_apart() -> None:
    assert walked(CHECK) == ufrag_mark(b"ufrag")
    assert walked(MESSAGES["no attributes"]) == NO_UFRAG
    assert walked(ANSWER) == walked(ANSWER_IPV6) == walked(REFUSAL) == NO_REQUEST
    assert walked(MESSAGES["a wrong fingerprint"]) == MALFORMED


def test_reads_mutants_as_the_reference_does() -> None:
    random = Random(1)
    unsealed = [each for name, each in MESSAGES.items() if len(each) > HEADER_BYTES]
    read = set()
    for _ in range(MUTANTS):
        mutant = bytearray(random.choice(unsealed))
        for _ in range(random.randint(1, 3)):
            mutant[random.randrange(len(mutant))] = random.choice((0, 1, 4, 6, 8, 32, 255))
        assert walked(bytes(mutant)) == parsed(bytes(mutant)), bytes(mutant).hex()
        read.add(parsed(bytes(mutant)))
    assert len(read) > 10, "the mutants were all malformed"


def test_the_checksum_is_the_usual_one() -> None:
    assert crc_of(np.frombuffer(b"123456789", np.uint8)) == 0xCBF43926
