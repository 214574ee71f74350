"""`python -m deploy.grafana.screenshot`: the dashboards as they look over real calls.

A deployment is started, called and mistreated for some minutes while a real Prometheus
scrapes it and evaluates the chart's rules. Then the dashboards' own JSON is drawn from that
Prometheus by a page of ours (`preview/`) in Chromium: Grafana draws the same with more
refinement.
"""

import argparse
import asyncio
import json
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from playwright.async_api import Browser, async_playwright

from deploy.grafana.__main__ import BOARDS
from deploy.grafana.board import Board
from deploy.grafana.boards import calls, latency, relay
from deploy.grafana.traffic import Traffic
from tests.deploy.prometheus_server import Prometheus, running_prometheus
from tests.e2e.browser import CHROMIUM
from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.speech import Speaker

ROOT = Path(__file__).parents[2]
PREVIEW = Path(__file__).with_name("preview")
UPLOT = ROOT / "tests" / "e2e" / "npm" / "node_modules" / "uplot" / "dist"
RULES = ROOT / "deploy" / "k8s" / "rules"

PICTURED = (calls.BOARD, latency.BOARD, relay.BOARD)
"""What docs/runbooks.md shows."""

QUESTIONS = (
    "what is twelve plus thirty",
    "what time is it",
    "how do you spell hello",
    "what day is it today",
    "repeat after me good morning",
)
SCRAPED_EVERY_S, STEP_S = 2, 4
RATE = "30s"
"""What rates are taken over: Grafana takes four scrapes, which is restless for a picture."""
WIDTH = 1500


def configuration(deployment: RunningDeployment) -> str:
    """Of a Prometheus that scrapes every process under the names that pods would have."""
    jobs = [
        {
            "job_name": f"antiphon-{tier}",
            "static_configs": [
                {"targets": admins, "labels": {"namespace": "voice", "pod": f"{tier}-{number}"}}
                for number, admins in enumerate(pods)
            ],
        }
        for tier, pods in admin_ports(deployment).items()
    ]
    intervals = {"scrape_interval": f"{SCRAPED_EVERY_S}s", "evaluation_interval": "5s"}
    rules = [str(RULES / "*.yaml")]
    text: str = yaml.safe_dump({"global": intervals, "rule_files": rules, "scrape_configs": jobs})
    return text


def admin_ports(deployment: RunningDeployment) -> dict[str, list[list[str]]]:
    """By tier and pod: a transceiver has one for each of its workers."""
    ports: dict[str, list[list[str]]] = {}
    for line in deployment.log:
        if match := re.search(r"(relay|inference|transceiver) is ready: (\{.*\})$", line):
            report = json.loads(match[2])
            ports.setdefault(match[1], []).append(report.get("admins") or [report["admin"]])
    return ports


@dataclass(frozen=True, slots=True)
class View:
    """The time that is shown, and how finely: what Grafana works out from its own width."""

    prometheus: Prometheus
    began: float
    ended: float
    step_s: int = STEP_S
    rate: str = RATE

    def options(self) -> dict[str, object]:
        """For `draw` of preview.js."""
        return {
            "url": self.prometheus.url,
            "from": self.step_s * round(self.began / self.step_s),
            "to": self.step_s * int(self.ended / self.step_s),
            "step": self.step_s,
            "rate": self.rate,
            "range": f"{int(self.ended - self.began)}s",
            "variables": {"namespace": ".*", "pod": ".*"},
        }


async def shoot(
    view: View, browser: Browser, folder: Path, boards: Iterable[Board] = BOARDS
) -> dict[str, list[str]]:
    """A file for each dashboard; returns which of its panels had nothing to show."""
    empty: dict[str, list[str]] = {}
    for board in boards:
        page = await browser.new_page(viewport={"width": WIDTH, "height": 900})
        await page.goto((PREVIEW / "page.html").as_uri())
        await page.add_style_tag(path=UPLOT / "uPlot.min.css")
        for script in (UPLOT / "uPlot.iife.min.js", PREVIEW / "preview.js"):
            await page.add_script_tag(path=script)
        question = [json.loads(board.json()), view.options()]
        empty[board.name] = await page.evaluate("(question) => draw(...question)", question)
        await page.screenshot(path=folder / f"{board.name}.png", full_page=True)
        await page.close()
    return empty


async def record(minutes: float, folder: Path, directory: Path, boards: Sequence[Board]) -> None:
    flags = ("--engine=echo", "--workers=2", "--inference-replicas=2")
    speaker = Speaker(directory)
    questions = [speaker.say(text) for text in QUESTIONS]
    with (
        running_deployment(*flags) as deployment,
        running_prometheus(directory, configuration(deployment)) as prometheus,
    ):
        began = time.time()
        await Traffic(deployment, questions, 60 * minutes).run()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM)
            view = View(prometheus, began, time.time())
            empty = await shoot(view, browser, folder, boards)
            await browser.close()
    for name, panels in empty.items():
        print(f"{name}: nothing to show in {', '.join(panels) or 'no panel'}")


def main() -> None:
    parser = argparse.ArgumentParser(description="draw the dashboards over real calls")
    parser.add_argument("--minutes", type=float, default=6, help="of calls")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "dashboards", help="folder")
    parser.add_argument("--all", action="store_true", help="and not only what docs show")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        boards = BOARDS if arguments.all else PICTURED
        asyncio.run(record(arguments.minutes, arguments.to, Path(directory), boards))


if __name__ == "__main__":
    main()
