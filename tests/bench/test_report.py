from bench.relay.summary import COLUMNS, RELAYS
from bench.report import BENCHMARKS, README, between, relay_section, transceiver_section

MACHINE = {
    "rounds": 5.0,
    "seconds": 1.0,
    "not_counted": 2.0,
    "machine.cores": 2.0,
    "machine.cpu": "A CPU",
    "machine.architecture": "x86_64",
    "machine.load_average": 0.25,
    "machine.kernel": "6.1",
    "machine.python": "3.11.7",
    "machine.numba": "0.68.1",
    "machine.go": "1.19.8",
    "latency20k.scheduling": "SCHED_FIFO",
}


def test_replaces_what_stands_between_the_comments_of_a_name() -> None:
    document = "a\n<!-- x -->\nold\n\nlines\n<!-- /x -->\n<!-- y -->\nkept\n<!-- /y -->\n"
    replaced = between(document, "x", r"new \1")
    assert replaced == document.replace("old\n\nlines", r"new \1")


def test_the_documents_have_the_comments() -> None:
    for path, names in (
        (README, ["figures", "load"]),
        (BENCHMARKS, ["calls", "relay", "transceiver", "loss", "load"]),
    ):
        for name in names:
            assert "\nFOUND\n" in between(path.read_text(), name, "FOUND")


def test_the_relay_section_names_machine_versions_and_command() -> None:
    section = relay_section(MACHINE)
    assert "`make bench-relay`" in section
    shown = " ".join(section.split())
    assert "2 cores (A CPU, x86_64), Linux 6.1, Python 3.11.7, numba 0.68.1, Go 1.19.8" in shown
    assert "2 runs not counted" in shown
    assert "coturn 4" not in shown


def test_the_relay_section_shows_what_was_measured() -> None:
    cost = {"saturated.up.go": 5.25, "saturated.up.go.min": 5.0, "saturated.up.go.max": 6.0}
    section = relay_section(MACHINE | cost)
    row = "| Go reference | 5.25 (5.00..6.00) 1.00x |" + " not measured |" * (len(COLUMNS) - 1)
    assert row in section
    assert section.count("| asyncio |") == 1
    assert all(f"| {title} |" in section for title in RELAYS.values())


def test_the_transceiver_section_shows_what_was_measured() -> None:
    key = "sessions_per_core.voip.aiortc"
    measured = {key: 20.0, f"{key}.min": 19.0, f"{key}.max": 21.5, f"{key}.calls": 12.0}
    section = transceiver_section(MACHINE | measured)
    assert "`make bench-transceiver`" in section
    assert "| aiortc, Opus VOIP | 20.0 (19.0..21.5) | 12 calls | not measured |" in section
    assert "| calls a core, Opus VOIP | not measured | at least 100 calls | MISSED |" in section
