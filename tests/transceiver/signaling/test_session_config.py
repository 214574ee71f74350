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


def test_a_transcription_session_is_asked_for_in_any_layer() -> None:
    transcription, model = b'{"type":"transcription"}', b'{"model":"given"}'
    wanted = RealtimeSession.of_type("transcription")
    assert layered_session(transcribes=True) == wanted
    assert layered_session(bound=transcription) == wanted
    assert layered_session(given=transcription) == wanted
    assert layered_session(bound=transcription, given=model).type == "transcription"
    assert layered_session(model="gpt-realtime-whisper").type == "transcription"
    assert layered_session(model="gpt-realtime-2.1").type == "realtime"
    assert layered_session(model="gpt-realtime-whisper", given=b'{"type":"realtime"}').type == (
        "realtime"
    )


@pytest.mark.parametrize("other", [{"bound": b'{"type":"realtime"}'}, {"given": b'{"tools":[]}'}])
def test_what_is_no_transcription_sessions_is_refused(other: dict[str, bytes]) -> None:
    with pytest.raises(RealtimeError) as refused:
        layered_session(transcribes=True, **other)
    assert refused.value.param in ("session.type", "session.tools")


def test_a_session_must_fit_into_its_events() -> None:
    with pytest.raises(RealtimeError) as refused:
        layered_session(given=b'{"instructions":"%s"}' % (b"x" * 300_000))
    assert refused.value.code == "session_too_large"
