import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from loadtest.callers.fleet import Target
from loadtest.measures.detail import MAX_DETAIL
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import MAX_EXAMPLES, FailedCall, Interval
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.reading import read_scenario, shipped_scenarios
from loadtest.wire import (
    WireError,
    decode_interval,
    decode_scenario,
    decode_target,
    encode_interval,
    encode_scenario,
    encode_target,
)

NUMBERS = st.integers(0, 1 << 32)


@given(
    counts=st.dictionaries(st.sampled_from(Count), NUMBERS),
    failed=st.dictionaries(st.sampled_from(Failure), NUMBERS),
    details=st.lists(st.from_regex(r"\w{0,20}", fullmatch=True), max_size=3),
    noted=st.lists(st.floats(1e-6, 100.0), max_size=20),
)
def test_an_interval_comes_as_it_was_sent(
    counts: dict[Count, int], failed: dict[Failure, int], details: list[str], noted: list[float]
) -> None:
    histogram = Histogram()
    histogram.record_many(noted)
    failures = tuple(
        FailedCall(number, Failure.REFUSED, detail) for number, detail in enumerate(details)
    )
    sent = Interval(7, counts, 5, {Latency.SET_UP: histogram}, failures, 0.25, failed)
    message = pb.Measured.FromString(encode_interval(sent).SerializeToString())
    came = decode_interval(message)
    assert (came.second, came.counts, came.sessions) == (7, counts, 5)
    assert (came.failures, came.failed, came.cpu_seconds) == (failures, failed, 0.25)
    assert came.latencies[Latency.SET_UP].encode() == histogram.encode()


@pytest.mark.parametrize(
    "message",
    [
        pb.Measured(counts={"nonsense": 1}),
        pb.Measured(latencies={"set_up": b"nonsense"}),
        pb.Measured(latencies={"nonsense": Histogram().encode()}),
        pb.Measured(failures=[pb.FailedCall(reason="nonsense")]),
        pb.Measured(failed={"nonsense": 1}),
        pb.Measured(second=1_000_000_000),
        pb.Measured(counts={"turns": -1}),
        pb.Measured(failed={"refused": 1 << 60}),
        pb.Measured(cpu_seconds=float("nan")),
        pb.Measured(cpu_seconds=float("inf")),
    ],
)
def test_an_interval_that_says_nothing_is_refused(message: pb.Measured) -> None:
    with pytest.raises(WireError):
        decode_interval(message)


def test_no_more_of_failures_is_taken_than_reports_show() -> None:
    failures = [pb.FailedCall(reason="refused", detail="a\x1b\n" + "b" * 9999) for _ in range(99)]
    came = decode_interval(pb.Measured(failures=failures, failed={"refused": 99}))
    assert len(came.failures) == MAX_EXAMPLES
    assert {len(each.detail) for each in came.failures} == {MAX_DETAIL}
    assert came.failures[0].detail.startswith("a\N{REPLACEMENT CHARACTER} bb")
    assert came.failed == {Failure.REFUSED: 99}


def test_a_target_shows_no_secret() -> None:
    assert "hush" not in repr(Target(api_key="hush", sip_password="hush"))


@given(encoded=st.binary(max_size=200))
def test_bytes_that_are_no_scenario_are_refused(encoded: bytes) -> None:
    with pytest.raises(WireError):
        decode_scenario(encoded)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_scenario_comes_as_it_was_sent(name: str) -> None:
    scenario = read_scenario(name)
    assert decode_scenario(encode_scenario(scenario)) == scenario


def test_a_target_comes_with_what_its_file_holds() -> None:
    names = [field.name for field in msgspec.inspect.type_info(Target).fields]  # type: ignore[attr-defined]
    target = Target(**{name: f"the {name}" for name in names})
    message = encode_target(target, "PEM")
    assert message.certificate_authority == "PEM"
    assert decode_target(message, "the certificate_authority") == target
