"""Prometheus itself reads every query of a panel and a rule, and finds something by it."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from deploy.grafana.boards import capacity, latency
from deploy.grafana.screenshot import View, shoot
from tests.deploy.dashboard_files import queries
from tests.deploy.exposed_metrics import Exposed, exposed_metrics
from tests.deploy.prometheus_server import (
    Prometheus,
    QueryError,
    needs_prometheus,
    promtool,
    running_prometheus,
)
from tests.deploy.promql_labels import filled_in
from tests.deploy.rule_files import RULES, alerts, recorded
from tests.e2e.browser import CHROMIUM
from tests.e2e.npm_project import needs_npm

pytestmark = needs_prometheus

BEGIN, STEP_S, STEPS = 1_700_000_000, 60, 22
NOW = BEGIN + STEP_S * (STEPS - 1)

# Two pods, one of them with two admin ports: what is joined meets more than one on each side.
TARGETS = (
    {"namespace": "voice", "pod": "a-0", "instance": "10.0.0.1:8083", "job": "voice/antiphon"},
    {"namespace": "voice", "pod": "a-0", "instance": "10.0.0.1:8084", "job": "voice/antiphon"},
    {"namespace": "voice", "pod": "a-1", "instance": "10.0.0.2:8083", "job": "voice/antiphon"},
)


def series(name: str, exposed: Exposed) -> Iterator[tuple[str, int]]:
    """Each as it is written, with its own pace."""
    own = {label: sorted(values) or ["0", "1"] for label, values in exposed.labels.items()}
    for target in TARGETS:
        for place, values in enumerate(product(*own.values())):
            labels = {**target, **dict(zip(own, values, strict=True))}
            text = ",".join(f'{label}="{value}"' for label, value in labels.items())
            yield f"{name}{{{text}}}", place + 1


def open_metrics() -> Iterator[str]:
    """An account of some twenty minutes, in which every counter counts."""
    for name, exposed in exposed_metrics().items():
        for text, pace in series(name, exposed):
            for step in range(STEPS):
                value = 60 * pace * (step + 1) if exposed.grows else 1 + step % 2
                yield f"{text} {value} {BEGIN + STEP_S * step}\n"
    yield "# EOF\n"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory) -> Iterator[Prometheus]:
    directory: Path = tmp_path_factory.mktemp("prometheus")
    account = directory / "account"
    with account.open("w") as file:
        file.writelines(open_metrics())
    filled = ["tsdb", "create-blocks-from", "--quiet", "openmetrics", str(account), "data"]
    promtool(*filled, directory=directory)
    with running_prometheus(directory) as running:
        yield running


def test_promtool_takes_the_rules(tmp_path) -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES), directory=tmp_path)


def test_every_panel_shows_something(prometheus: Prometheus) -> None:
    asked = {query.expression: query.panel for query in queries()}
    assert len(asked) > 100
    answers = {
        f"{panel}: {query}": answer(prometheus, filled_in(query)) for query, panel in asked.items()
    }
    assert {query: wrong for query, wrong in answers.items() if wrong} == {}


def test_every_rule_can_be_evaluated(prometheus: Prometheus) -> None:
    rules = recorded()
    wrong = {name: answer(prometheus, rule) for name, rule in rules.items()}
    assert wrong == dict.fromkeys(rules)
    for alert in alerts():
        prometheus.instant(alert.expression, NOW)


@pytest.mark.browser
@needs_npm
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
async def test_the_preview_draws_panels_of_every_kind(
    prometheus: Prometheus, tmp_path: Path
) -> None:
    shown = {board.BOARD.name: board.BOARD for board in (latency, capacity)}
    view = View(prometheus, BEGIN, NOW, step_s=STEP_S, rate="5m")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        empty = await shoot(view, browser, tmp_path, shown.values())
        await browser.close()
    assert empty == {name: [] for name in shown}
    assert all((tmp_path / f"{name}.png").stat().st_size > 10_000 for name in empty)


def answer(prometheus: Prometheus, query: str) -> str | None:
    """What is wrong with it."""
    try:
        return None if prometheus.instant(query, NOW) else "nothing"
    except QueryError as error:
        return str(error)
