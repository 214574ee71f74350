"""`python -m deploy.grafana` writes the dashboards that the chart holds."""

from pathlib import Path

from deploy.grafana.boards import calls, capacity, inference, latency, relay, sip

DASHBOARDS = Path(__file__).parents[1] / "k8s" / "dashboards"
BOARDS = (calls.BOARD, latency.BOARD, relay.BOARD, inference.BOARD, sip.BOARD, capacity.BOARD)


def files() -> dict[Path, str]:
    """What each file holds."""
    return {DASHBOARDS / f"antiphon-{board.name}.json": board.json() for board in BOARDS}


def main() -> None:
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
