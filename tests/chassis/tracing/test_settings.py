import pytest

from chassis.settings import SettingError, load
from chassis.tracing.settings import TracingSettings, trace_ratio


def settings(*flags: str) -> TracingSettings:
    return load(TracingSettings, flags, {}, prog="tier")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
        ("https://otlp.example/otlp", "https://otlp.example/otlp/v1/traces"),
        ("https://otlp.example/v1/traces", "https://otlp.example/v1/traces"),
    ],
)
def test_traces_are_posted_below_the_endpoint(given: str, url: str) -> None:
    assert settings(f"--otlp-endpoint={given}").otlp_endpoint == url


@pytest.mark.parametrize(
    ("flag", "error"),
    [
        ("--otlp-endpoint=collector:4318", "--otlp-endpoint: expected http"),
        ("--otlp-endpoint=grpc://collector:4317", "--otlp-endpoint: expected http"),
        ("--otlp-endpoint=http://collector:0", "--otlp-endpoint: expected http"),
        ("--otlp-endpoint=http://collector?a=b", "--otlp-endpoint: expected http"),
        ("--otlp-endpoint=http://me:hush@collector", "go into --otlp-headers"),
        ("--otlp-headers=authorization", "--otlp-headers: expected NAME=VALUE"),
        ("--otlp-headers=a b=c", "'a b' is no header's name"),
        ("--otlp-headers=a=c%0ad", "'a' is no header's name, or its value"),
        ("--trace-attributes==x", "--trace-attributes: expected NAME=VALUE"),
        (f"--trace-attributes={','.join(f'a{n}=1' for n in range(40))}", "more than 32"),
        (f"--trace-attributes=a={'b' * 5000}", "--trace-attributes: expected"),
    ],
)
def test_what_cannot_be_used_is_refused(flag: str, error: str) -> None:
    with pytest.raises(SettingError, match=error):
        settings(flag)


def test_secrets_are_in_no_error_and_no_representation() -> None:
    with pytest.raises(SettingError) as refused:
        settings("--otlp-headers=authorization=Bearer hush%0a")
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(settings("--otlp-headers=authorization=hush"))


def test_pairs_are_percent_decoded() -> None:
    given = settings(
        "--otlp-headers=Authorization=Basic%20YTpi,x-scope=1",
        "--trace-attributes= k8s.pod.name = a%2Cb ",
    )
    assert given.otlp_headers == {"Authorization": "Basic YTpi", "x-scope": "1"}
    assert given.trace_attributes == {"k8s.pod.name": "a,b"}


@pytest.mark.parametrize(("text", "ratio"), [("0", 0.0), (".5", 0.5), ("1", 1.0), ("1.0", 1.0)])
def test_a_ratio_is_from_0_to_1(text: str, ratio: float) -> None:
    assert trace_ratio(text) == ratio


@pytest.mark.parametrize("text", ["", "-0.1", "1.01", "nan", "inf", "1e-1", "half", "\u0661"])
def test_no_other_ratio(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        trace_ratio(text)
