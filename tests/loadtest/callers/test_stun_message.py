import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto import stun
from loadtest.callers import stun_message
from loadtest.callers.stun_message import StunError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/stun_rfc5769.json").read_text())
PASSWORD = VECTORS["password"].encode()
TRANSACTION = bytes.fromhex(VECTORS["transaction_id"])

# One of them takes IPv4 in IPv6's clothes for IPv4.
HOSTS = st.one_of(
    st.ip_addresses(v=4), st.ip_addresses(v=6).filter(lambda host: host.ipv4_mapped is None)
)
ADDRESSES = st.tuples(HOSTS.map(str), st.integers(0, 65535))


def test_reads_the_request_of_rfc_5769() -> None:
    message = stun_message.parse(bytes.fromhex(VECTORS["request"]["datagram"]))

    assert message.message_type == stun_message.BINDING_REQUEST
    assert message.transaction_id == TRANSACTION
    assert message.username == VECTORS["request"]["username"].encode()
    assert message.priority == VECTORS["request"]["priority"]
    assert not message.use_candidate
    assert message.verify(PASSWORD)
    assert not message.verify(PASSWORD + b"?")


@pytest.mark.parametrize("name", ["response_ipv4", "response_ipv6"])
def test_reads_the_answers_of_rfc_5769(name: str) -> None:
    message = stun_message.parse(bytes.fromhex(VECTORS[name]["datagram"]))

    assert message.message_type == stun_message.BINDING_SUCCESS
    assert message.mapped_address == tuple(VECTORS[name]["mapped_address"])
    assert message.verify(PASSWORD)


def test_makes_requests_that_another_implementation_reads() -> None:
    request = stun_message.binding_request(
        TRANSACTION, username=b"them:us", password=PASSWORD, priority=7, tie_breaker=9
    )

    message = stun.parse(request)
    assert message.message_class is stun.StunClass.REQUEST
    assert (message.username, message.priority, message.ice_controlling) == (b"them:us", 7, 9)
    assert message.use_candidate
    assert message.verify(PASSWORD)


@given(mapped=ADDRESSES)
def test_makes_answers_that_another_implementation_reads(mapped: tuple[str, int]) -> None:
    answer = stun_message.binding_success(TRANSACTION, mapped=mapped, password=PASSWORD)

    theirs, ours = stun.parse(answer), stun_message.parse(answer)
    assert theirs.mapped_address == ours.mapped_address == mapped
    assert theirs.verify(PASSWORD)
    assert ours.verify(PASSWORD)


def test_reads_an_error_code() -> None:
    error = stun.binding_error(TRANSACTION, code=487, reason="Role Conflict", password=PASSWORD)

    assert stun_message.parse(error).error_code == 487


@given(cut=st.integers(0, 107))
def test_refuses_what_is_cut_short(cut: int) -> None:
    with pytest.raises(StunError):
        stun_message.parse(bytes.fromhex(VECTORS["request"]["datagram"])[:cut])


@given(body=st.binary(max_size=64).map(lambda body: body + bytes(-len(body) % 4)))
def test_reads_or_refuses_whatever_comes(body: bytes) -> None:
    header = b"\x01\x01" + len(body).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + TRANSACTION
    try:
        message = stun_message.parse(header + body)
    except StunError:
        return
    assert message.transaction_id == TRANSACTION
