from bench.proofs.summary import BESIDE, BOUNDS, STAGES, TIERS, readme_figures, section

FIGURES: dict[str, float | str] = {
    "machine.cores": 2.0,
    "machine.cpu": "A CPU",
    "packets_per_second": 127_949,
    "relay_us_per_packet": 3.43,
    "relay_core.sessions_speaking_by_spurts": 7287,
    "relay_core.sessions_speaking_on": 2914,
    "healing_seconds.restart": "not healed",
    "largest.sessions": 93,
    "largest.failing_sessions": 102,
    "largest.broke_first": "frames_on_schedule",
    "caller_core.calls": 350,
    "caller_core.relay_sessions": 18_000,
    "side_by_side.sessions": 20,
    **{bound.key: bound.limit for bound in BOUNDS},
    "loss_ratio": 0.0005,
    **{f"calls.{stage}_ms.{each}": 1.5 for stage in STAGES for each in ("p50", "p95", "p99")},
    **{f"largest.cores.{tier}": 0.25 for tier in TIERS},
    **{f"side_by_side.{each}.{name}": 2.5 for each in ("antiphon", "aiortc") for name in BESIDE},
}


def test_all_bounds_are_judged() -> None:
    page = section(FIGURES)
    assert page.count("| ok |") == len(BOUNDS)
    assert "| packets lost | 0.05 % | at most 0.1 % | ok |" in page
    assert "| sessions at once by one public port | 10,000 | at least 10,000 | ok |" in page


def test_what_the_callers_cost_is_told() -> None:
    page = " ".join(section(FIGURES).split())
    assert "a core drives 350 such calls, and 18,000 of the sessions above" in page


def test_what_did_not_hold_is_said() -> None:
    page = section({**FIGURES, "misrouted": 1, "healing_seconds.kill": "not healed"})
    assert page.count("| MISSED |") == 2
    assert "| one of two relay workers killed: longest silence | not measured |" in page


def test_the_first_page_has_the_conditions() -> None:
    shown = " ".join(readme_figures(FIGURES).split())
    assert "**10,000 sessions** through one public port, 127,949 packets a second" in shown
    assert "0.05 % lost and 0 misrouted" in shown
    assert "share 2 cores" in shown
