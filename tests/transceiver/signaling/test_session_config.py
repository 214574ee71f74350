import pytest

from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.session import RealtimeSession
from transceiver.signaling.session_config import layered_session


def test_nothing_given_is_the_default() -> None:
    assert layered_session() == RealtimeSession()


def test_each_layer_overrides_those_before_it() -> None:
    bound, given = b'{"model":"bound"}', b'{"model":"given"}'
    assert layered_session(bound=bound).model == "bound"
    assert layered_session(bound=bound, model="query").model == "query"
    assert layered_session(bound=bound, model="query", given=given).model == "given"


def test_what_a_layer_leaves_out_is_kept() -> None:
    session = layered_session(bound=b'{"instructions":"kept"}', model="query", given=b"{}")
    assert (session.instructions, session.model) == ("kept", "query")


@pytest.mark.parametrize("given", [b"", b"[]", b'{"model":1}', b"\xff"])
def test_a_bad_layer_is_refused(given: bytes) -> None:
    with pytest.raises(RealtimeError):
        layered_session(given=given)
