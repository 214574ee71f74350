from dataclasses import replace

import pytest

from bench.transceiver.session_description import (
    OPUS,
    RED,
    AnswerError,
    LocalParameters,
    offer,
    parse_answer,
)
from tests.transceiver.sdp.offers import ANSWER
from transceiver.fingerprint import Fingerprint
from transceiver.sdp import build_answer, parse_offer

LOCAL = LocalParameters("ufrg", "p" * 24, ("127.0.0.1", 5000), Fingerprint.of(b""), 77)


@pytest.mark.parametrize("data_channel", [False, True])
@pytest.mark.parametrize("red", [False, True])
def test_the_transceiver_understands_an_offer(red: bool, data_channel: bool) -> None:
    local = replace(LOCAL, red=red, data_channel=data_channel)
    parsed = parse_offer(offer(local))
    assert (parsed.ice.ufrag, parsed.ice.password) == (local.ufrag, local.password)
    assert parsed.format.payload_type == OPUS
    assert parsed.format.red_payload_type == (RED if red else None)
    assert (parsed.data is not None) == data_channel
    assert parsed.ssrcs == (77,)


def test_what_the_transceiver_answers_is_read() -> None:
    answer = parse_answer(build_answer(parse_offer(offer(LOCAL)), ANSWER))
    assert answer.address == (ANSWER.host, ANSWER.port)
    assert (answer.ufrag.decode(), answer.password.decode()) == (
        ANSWER.ice.ufrag,
        ANSWER.ice.password,
    )
    assert answer.fingerprint == ANSWER.fingerprint
    assert answer.dtls_client
    assert answer.payload_type == OPUS


def test_an_answer_without_an_address_is_refused() -> None:
    text = build_answer(parse_offer(offer(LOCAL)), ANSWER)
    with pytest.raises(AnswerError, match="candidate"):
        parse_answer(text.replace("a=candidate", "a=nothing"))
