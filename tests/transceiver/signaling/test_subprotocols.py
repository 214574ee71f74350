"""What clients offer as subprotocols of a WebSocket."""

import pytest

from transceiver.signaling.subprotocols import Subprotocols, authorization

OFFERS = {
    "": (False, False, None),
    "realtime": (True, True, None),
    "realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1": (True, True, "sk-1"),
    "realtime,openai-insecure-api-key.ek_a.b,openai-agents-sdk.0.20.0": (True, True, "ek_a.b"),
    "openai-insecure-api-key.sk-1": (True, False, "sk-1"),
    "chat": (True, False, None),
}


@pytest.mark.parametrize("header", OFFERS)
def test_an_offer(header: str) -> None:
    assert Subprotocols.parse(header) == Subprotocols(*OFFERS[header])


def test_no_header_is_no_offer() -> None:
    assert Subprotocols.parse(None) == Subprotocols(False, False, None)


def test_a_header_of_its_own_comes_before_a_subprotocol() -> None:
    offer = {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.sk-1"}
    assert authorization(offer) == "Bearer sk-1"
    assert authorization({**offer, "Authorization": "Bearer sk-2"}) == "Bearer sk-2"
    assert authorization({"Sec-WebSocket-Protocol": "realtime"}) is None
