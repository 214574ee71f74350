"""Builds the images by buildah, without a registry: their base is made from Debian's archive."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
STORE = ROOT / "build" / "images"
BASE = "docker.io/library/debian:bookworm-slim"
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
PROGRAMS = ("buildah", "runc", "mmdebstrap", "nft")

_LEFT_OUT = ("doc", "man", "info", "locale", "lintian", "groff", "linda")
"""Of /usr/share, as in Debian's own slim images."""


@dataclass(frozen=True)
class Image:
    name: str
    config: dict[str, Any]
    """https://github.com/opencontainers/image-spec/blob/main/config.md"""
    health_check: list[str]
    """None of a program that ends by itself."""
    size: int
    """Bytes, with the base's."""


def buildah(*argv: str, quiet: bool = True) -> str:
    """Raises CalledProcessError."""
    store = ["--root", str(STORE / "storage"), "--runroot", str(STORE / "run")]
    done = subprocess.run(
        ["buildah", *store, *argv], check=True, text=True, stdout=subprocess.PIPE if quiet else None
    )
    return (done.stdout or "").strip()


def make_base() -> None:
    """Debian's slim image, as like as Debian's archive makes it; once."""
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return
    STORE.mkdir(parents=True, exist_ok=True)
    archive = STORE / "base.tar"
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in _LEFT_OUT]
    kept = "--dpkgopt=path-include=/usr/share/doc/*/copyright"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", *left_out, kept, SUITE, archive, MIRROR],
        check=True,
    )
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(archive), "/")
    buildah("commit", "--quiet", "--rm", container, BASE)
    archive.unlink()


def build(name: str, dockerfile: str, target: str | None = None) -> Image:
    """Raises CalledProcessError."""
    target_flag = ["--target", target] if target else []
    buildah(
        *("bud", "--quiet", "--pull-never", "--isolation=chroot", "--format=docker", "--layers"),
        *_mounts(),
        *target_flag,
        *("-f", str(ROOT / dockerfile), "-t", name, str(ROOT)),
        quiet=False,
    )
    return inspected(name)


def inspected(name: str) -> Image:
    found = json.loads(buildah("inspect", "--type", "image", name))
    size = json.loads(buildah("images", "--json", name))[0]["size"]
    health_check = found["Docker"]["config"].get("Healthcheck", {"Test": []})["Test"]
    return Image(name, found["OCIv1"]["config"], health_check[1:], _bytes(size))


def _mounts() -> list[str]:
    """What pip needs to know on this machine: its configuration, and authorities to trust."""
    configuration = STORE / "pip.conf"
    host = Path("/etc/pip.conf")
    configuration.write_text(host.read_text() if host.exists() else "")
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    text = configuration.read_text().replace(str(authorities), "/run/authorities.crt")
    configuration.write_text(text)
    mounts = ["--volume", f"{configuration}:/etc/pip.conf:ro"]
    return [*mounts, "--volume", f"{authorities}:/run/authorities.crt:ro"]


def _bytes(text: str) -> int:
    number, unit = text.split()
    return round(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])
