import pytest

from loadtest.callers.turn_ledger import note_ledger
from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency


def test_parts_of_a_turn_are_noted_in_seconds() -> None:
    measures = Measures()
    note_ledger(
        {"antiphon_latency_endpointing_ms": "480", "antiphon_latency_asr_ms": "8"}, measures
    )
    noted = measures.take(0).latencies
    assert set(noted) == {Latency.TURN_ENDPOINTING, Latency.TURN_ASR}
    assert noted[Latency.TURN_ENDPOINTING].maximum == pytest.approx(0.48, rel=1e-3)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf"])
def test_what_is_no_number_is_not_there(text: str) -> None:
    measures = Measures()
    note_ledger({"antiphon_latency_brain_ms": text}, measures)
    note_ledger(None, measures)
    assert measures.take(0).latencies == {}
