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
from pathlib import Path

import yaml
from playwright.async_api import Browser, async_playwright

from deploy.grafana.__main__ import BOARDS
from deploy.grafana.traffic import Traffic
from tests.deploy.prometheus_server import Prometheus, running_prometheus
from tests.e2e.browser import CHROMIUM
from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.speech import Speaker

ROOT = Path(__file__).parents[2]
PREVIEW = Path(__file__).with_name("preview")
UPLOT = ROOT / "tests" / "e2e" / "npm" / "node_modules" / "uplot" / "dist"
RULES = ROOT / "deploy" / "k8s" / "rules"

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
    return yaml.safe_dump({"global": intervals, "rule_files": rules, "scrape_configs": jobs})


def admin_ports(deployment: RunningDeployment) -> dict[str, list[list[str]]]:
    """By tier and pod: a transceiver has one for each of its workers."""
    ports: dict[str, list[list[str]]] = {}
    for line in deployment.log:
        if match := re.search(r"(relay|inference|transceiver) is ready: (\{.*\})$", line):
            report = json.loads(match[2])
            ports.setdefault(match[1], []).append(report.get("admins") or [report["admin"]])
    return ports


async def shoot(prometheus: Prometheus, browser: Browser, began: float, folder: Path) -> None:
    """One file for each dashboard that has something to show."""
    ended = time.time()
    options = {
        "url": prometheus.url,
        "from": STEP_S * round(began / STEP_S),
        "to": STEP_S * int(ended / STEP_S),
        "step": STEP_S,
        "rate": RATE,
        "range": f"{int(ended - began)}s",
        "variables": {"namespace": ".*", "pod": ".*"},
    }
    for board in BOARDS:
        page = await browser.new_page(viewport={"width": WIDTH, "height": 900})
        await page.goto((PREVIEW / "page.html").as_uri())
        await page.add_style_tag(path=UPLOT / "uPlot.min.css")
        for script in (UPLOT / "uPlot.iife.min.js", PREVIEW / "preview.js"):
            await page.add_script_tag(path=script)
        empty = await page.evaluate(
            "([board, options]) => draw(board, options)", [json.loads(board.json()), options]
        )
        print(f"{board.name}: nothing to show in {', '.join(empty) or 'no panel'}")
        await page.screenshot(path=folder / f"{board.name}.png", full_page=True)
        await page.close()


async def record(minutes: float, folder: Path, directory: Path) -> None:
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
            await shoot(prometheus, browser, began, folder)
            await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="draw the dashboards over real calls")
    parser.add_argument("--minutes", type=float, default=6, help="of calls")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "dashboards", help="folder")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(record(arguments.minutes, arguments.to, Path(directory)))


if __name__ == "__main__":
    main()
