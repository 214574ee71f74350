import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon import up
from chassis.host_port import HostPort
from tests.antiphon.conftest import WriteTier
from tests.antiphon.stand_in_tier import RUNS, TIER

ANY_PORTS = ("--http=127.0.0.1:0", "--relay=127.0.0.1:0", "--admin=127.0.0.1:0")


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


@pytest.mark.parametrize(
    ("http", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080/"),
        ("[::1]:8080", "http://[::1]:8080/"),
        ("192.0.2.7:80", "http://192.0.2.7:80/"),
    ],
)
def test_the_ready_line_holds_all_that_a_newcomer_needs(http: str, url: str) -> None:
    assert up.ready_line(HostPort.parse(http), "sk-1", "echo") == (
        f"Antiphon is ready: {url}  API key: sk-1  engine: echo  talk: {url}#key=sk-1"
    )


def test_it_says_where_phones_are_served() -> None:
    binds = {"sip": HostPort("0.0.0.0", 5060), "sip-tls": HostPort("0.0.0.0", 5061)}
    assert up.sip_line(binds) == "SIP: 0.0.0.0:5060 by UDP and TCP, 0.0.0.0:5061 by TLS"


def test_with_tls_it_says_how_to_trust_the_certificate(
    write_tier: WriteTier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tier in ("relay", "inference"):
        write_tier(tier, RUNS)
    asks = "os.kill(os.getppid(), signal.SIGTERM)\nsignal.pause()"
    environ = write_tier("transceiver", TIER + f"ready()\n{asks}")
    environ = {**environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    assert up.run([*ANY_PORTS, "--tls", "--api-key=sk-1"], environ) == 0
    printed = capsys.readouterr().out
    certificate = tmp_path / "state" / "antiphon" / "tls.crt"
    assert printed.startswith("Antiphon is ready: https://127.0.0.1:1006/  API key: sk-1")
    assert f"curl --cacert {certificate}" in printed
    [flags] = [json.loads(line) for line in (tmp_path / "transceiver.starts").open()]
    assert flags["tls-certificate"] == str(certificate)
    assert flags["tls-key"] == str(certificate.with_name("tls.key"))


def test_a_certificate_that_cannot_be_kept_is_one_line(
    write_tier: WriteTier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("in the way")
    environ = {**write_tier("relay", RUNS), "XDG_STATE_HOME": str(tmp_path / "state")}
    assert up.run([*ANY_PORTS, "--tls"], environ) == 2
    printed = capsys.readouterr()
    assert printed == ("", f"antiphon up: --tls: {tmp_path}/state/antiphon: Not a directory\n")


def test_a_signal_ends_it_with_exit_code_0(
    write_tier: WriteTier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for tier in ("relay", "inference"):
        write_tier(tier, RUNS)
    # The last tier to start asks for the end as an operator would.
    asks = "os.kill(os.getppid(), signal.SIGTERM)\nsignal.pause()"
    environ = write_tier("transceiver", TIER + f"ready()\n{asks}")
    assert up.run([*ANY_PORTS, "--api-key=sk-1"], environ) == 0
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.glob("antiphon-*"))


def test_a_tier_that_cannot_start_is_one_line_and_exit_code_2(
    write_tier: WriteTier, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tier("relay", RUNS)
    environ = write_tier("inference", TIER + "sys.exit(print('inference: no model') or 2)")
    assert up.run(ANY_PORTS, environ) == 2
    assert capsys.readouterr() == ("", "antiphon up: inference: no model\n")


def test_a_tier_that_keeps_dying_is_exit_code_1(
    write_tier: WriteTier, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.restart_policy.FIRST_BACKOFF_S", 0.001)
    for tier in ("inference", "transceiver"):
        write_tier(tier, RUNS)
    environ = write_tier("relay", TIER + "ready()")
    assert up.run([*ANY_PORTS, "--log-level=error"], environ) == 1
    assert capsys.readouterr().err == (
        "antiphon up: relay ended with exit code 0, too often to start it again\n"
    )


def test_secrets_do_not_reach_the_tiers_environment(
    write_tier: WriteTier, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tier("relay", RUNS)
    tell = "print(sorted(name for name in os.environ if name.startswith('ANTIPHON_')))\nsys.exit(2)"
    environ = write_tier("inference", TIER + tell)
    variables = {"ANTIPHON_API_KEY": "a", "ANTIPHON_LLM_API_KEY": "b", "ANTIPHON_MAX_CALLS": "9"}
    assert up.run(ANY_PORTS, {**environ, **variables}) == 2
    assert capsys.readouterr().err == "antiphon up: ['ANTIPHON_MAX_CALLS']\n"
