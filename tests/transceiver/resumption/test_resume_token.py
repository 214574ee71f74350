"""Tokens, and what workers say to each other, are for this cluster alone."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.cluster_keys import ClusterKeys
from tests.transceiver.resumption.continuities import KEYS, ORIGIN, OWNER
from transceiver.resumption.peer_messages import (
    Fetch,
    Found,
    Keep,
    KeptPart,
    Letter,
    Over,
    PeerMessageError,
    PeerSeal,
    Take,
)
from transceiver.resumption.resume_token import (
    MAX_CHARS,
    ResumeClaim,
    ResumeTokenError,
    ResumeTokens,
    TokenFault,
)

FOREIGN = ClusterKeys.parse(f"0 ipv4 {'b2' * 32}")
NONCE = bytes(range(12))
CLAIM = ResumeClaim(
    "sess_1", OWNER, dataclasses.replace(ORIGIN, creator=b"c" * 32), expires_at=1000
)


def test_a_token_tells_what_it_was_made_of_until_it_expires() -> None:
    tokens = ResumeTokens(KEYS)
    token = tokens.mint(CLAIM, NONCE)
    assert tokens.open(token, 999.9) == CLAIM
    with pytest.raises(ResumeTokenError) as refused:
        tokens.open(token, 1000)
    assert refused.value.fault is TokenFault.EXPIRED


def test_a_token_tells_the_cluster_of_its_session() -> None:
    claim = dataclasses.replace(CLAIM, cluster_id=3)
    assert ResumeTokens(KEYS).open(ResumeTokens(KEYS).mint(claim, NONCE), 0.0) == claim


@given(st.text(max_size=100) | st.binary(max_size=80).map(lambda data: "resume_" + data.hex()))
def test_what_this_cluster_did_not_make_is_no_token(text: str) -> None:
    for token in (text, ResumeTokens(FOREIGN).mint(CLAIM, NONCE), "resume_" + "A" * MAX_CHARS):
        with pytest.raises(ResumeTokenError) as refused:
            ResumeTokens(KEYS).open(token, 0.0)
        assert refused.value.fault is TokenFault.INVALID


def test_messages_are_read_by_this_cluster_alone_and_as_what_they_are() -> None:
    ours, foreign = PeerSeal(KEYS), PeerSeal(FOREIGN)
    for request in (
        Fetch("s"),
        Take("s", "h:1", "e"),
        Keep((KeptPart("s", 1, 1, b"x"),), ("a",), (Over("b", 1),)),
    ):
        letter = Letter(1.5, request)
        sealed = ours.seal_request(letter, NONCE)
        assert ours.open_request(sealed) == letter
        for reader in (foreign.open_request, ours.open_answer):
            with pytest.raises(PeerMessageError):
                reader(sealed)
    answer = ours.seal_answer(Found(here=True), NONCE)
    assert ours.open_answer(answer) == Found(here=True)
    with pytest.raises(PeerMessageError):
        ours.open_request(answer)


def test_a_part_belongs_to_one_session() -> None:
    seal = PeerSeal(KEYS)
    part = seal.seal_part("sess_1", b"content", NONCE)
    assert b"content" not in part
    assert seal.open_part("sess_1", part) == b"content"
    for session_id, data in (("sess_2", part), ("sess_1", part[:-1])):
        with pytest.raises(PeerMessageError):
            seal.open_part(session_id, data)
