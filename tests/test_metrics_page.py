from prometheus_client import Metric

from tests.metrics_page import (
    PAGE,
    inference_metrics,
    page,
    process_metrics,
    relay_metrics,
    transceiver_metrics,
)


def families() -> list[Metric]:
    own = [*relay_metrics(), *transceiver_metrics(), *inference_metrics()]
    return [*process_metrics(), *own]


def test_the_page_is_that_of_the_code() -> None:
    """`python -m tests.metrics_page` makes it anew."""
    assert PAGE.read_text() == page()


def test_every_metric_says_what_it_counts() -> None:
    assert [each.name for each in families() if not each.documentation.endswith(".")] == []


def test_no_two_metrics_have_one_name() -> None:
    names = [each.name for each in families()]
    assert sorted(set(names)) == sorted(names)
