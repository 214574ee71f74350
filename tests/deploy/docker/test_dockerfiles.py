"""What images must be, as far as Dockerfiles tell; `make prove-images` builds and runs them."""

import fnmatch
import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.deploy.docker.dockerfile import DOCKER, instructions, lineage, stages

ROOT = Path(__file__).parents[3]
TIERS = ("relay", "transceiver", "inference")
IMAGES = (*TIERS, "loadtest")
TARGETS = [*((tier, -1) for tier in TIERS), ("inference", -2)]
HEAVY = {
    "relay": {"torch", "grpcio", "aiortc", "av", "onnxruntime"},
    "transceiver": {"torch", "numba", "onnxruntime", "grpcio"},
    "inference": {"torch", "numba", "aiortc"},
    "loadtest": {"torch", "onnxruntime", "pocketsphinx"},
}
"""What a tier's image has no need of."""


@pytest.fixture(scope="module")
def requirements() -> ModuleType:
    spec = importlib.util.spec_from_file_location("requirements", DOCKER / "requirements.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def project() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


@pytest.mark.parametrize("tier", IMAGES)
def test_what_is_copied_is_there_and_not_ignored(tier: str) -> None:
    ignored = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    admitted = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    for stage in stages(tier):
        for copied in stage.of("COPY"):
            if copied.flag("from") is None:
                for source in copied.words()[:-1]:
                    assert (ROOT / source).exists(), source
                    assert any(source == each or source.startswith(f"{each}/") for each in admitted)


def test_nothing_but_sources_can_get_into_an_image() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    for secret in ("cluster.keys", "api.keys", "key.pem", ".env"):
        assert any(
            fnmatch.fnmatch(secret, line.removeprefix("**/"))
            for line in lines[2:]
            if line.startswith("**/")
        )


@pytest.mark.parametrize(("tier", "target"), TARGETS)
def test_an_image_runs_as_nobody_and_says_whether_it_is_well(tier: str, target: int) -> None:
    line = lineage(tier, target)
    made = [each for stage in line for each in stage.instructions]
    assert line[0].base == "${DEBIAN}"
    last = {each.name: each for each in made}
    assert last["USER"].text == "65532:65532"
    assert made.index(last["USER"]) > max(
        index for index, each in enumerate(made) if each.name == "RUN"
    )
    assert last["CMD"].exec_form() == ["python", "-m", tier]
    environment = " ".join(each.text for each in made if each.name == "ENV")
    assert "PYTHONSAFEPATH=1" in environment.split()
    port = last["HEALTHCHECK"].exec_form()[-1]
    assert last["HEALTHCHECK"].exec_form() == ["python", "-m", "chassis.healthcheck", port]
    assert f"{port}/tcp" in last["EXPOSE"].words()


def test_the_load_harness_runs_as_nobody() -> None:
    last = {each.name: each for stage in lineage("loadtest") for each in stage.instructions}
    assert last["USER"].text == "65532:65532"
    assert last["CMD"].exec_form()[0] == "antiphon-loadtest"
    assert "7700/tcp" in last["EXPOSE"].words()


@pytest.mark.parametrize("tier", IMAGES)
def test_what_only_a_build_needs_stays_behind(tier: str) -> None:
    """pip, and whatever a secret or a cache of the build might be."""
    for target in (-1, -2) if tier == "inference" else (-1,):
        for stage in lineage(tier, target):
            assert not any("pip" in run.text for run in stage.of("RUN"))
            for run in stage.of("RUN"):
                assert "apt-get install" not in run.text or "rm -rf /var/lib/apt/lists" in run.text
            for copied in stage.of("COPY"):
                assert copied.words() == ["/opt/antiphon", "/opt/antiphon"]


@pytest.mark.parametrize("tier", IMAGES)
def test_every_install_is_held_to_the_versions_that_are_tested(tier: str) -> None:
    for stage in stages(tier):
        installs = [run for run in stage.of("RUN") if "pip " in run.text and "--python" in run.text]
        if installs:
            own = [
                each
                for s in stages(tier)
                if s.name in (stage.name, stage.base)
                for each in s.of("ENV")
            ]
            assert any("PIP_CONSTRAINT=/src/constraints.txt" in each.text for each in own)


@pytest.mark.parametrize(
    ("tier", "extras"),
    [
        ("relay", ["relay"]),
        ("transceiver", ["transceiver", "tracing", "redis", "call"]),
        ("inference", ["inference", "tracing"]),
        ("loadtest", ["loadtest"]),
    ],
)
def test_an_image_has_its_own_tiers_packages_and_no_others(
    tier: str, extras: list[str], requirements: ModuleType
) -> None:
    runs = " ".join(run.text for stage in stages(tier) for run in stage.of("RUN"))
    assert f"requirements.py {' '.join(extras)} >" in runs
    found = {
        text.split("[")[0].split(">")[0].split("=")[0]
        for text in requirements.requirements(project(), extras)
    }
    assert not found & HEAVY[tier]
    assert {"aiohttp", "prometheus-client"} <= found


def test_an_extra_within_another_is_taken_apart(requirements: ModuleType) -> None:
    found = requirements.requirements(project(), ["native"])
    assert any(text.startswith("torch") for text in found)
    assert any(text.startswith("grpcio") for text in found)
    assert not any("antiphon" in text for text in found)
    with pytest.raises(KeyError):
        requirements.requirements(project(), ["none"])


def test_the_wheel_holds_every_package_that_is_copied() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    packages = {each.split("/")[0] for each in built["targets"]["wheel"]["packages"]}
    for tier in IMAGES:
        copied = {each.words()[0] for stage in stages(tier) for each in stage.of("COPY")}
        assert packages <= copied


@pytest.mark.parametrize("tier", ["relay", "loadtest"])
def test_what_is_compiled_is_when_its_image_is_built(tier: str) -> None:
    build = next(stage for stage in stages(tier) if stage.name == "build")
    assert "precompile()" in build.of("RUN")[-1].text


def test_the_base_and_the_start_of_all_images_are_the_same() -> None:
    """So that they share their layers."""
    ends = {tier: next(s for s in lineage(tier) if s.of("USER")).of("RUN") for tier in IMAGES}
    assert all(end == ends["relay"] for end in ends.values())


def test_an_instruction_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="ADD"):
        instructions("FROM debian\nADD https://example.com/x /\n")
