"""What is tested, as flags say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chassis.secret_file import read_secret_file
from chassis.settings import SettingError, setting
from loadtest.callers.fleet import Target
from loadtest.scenario.scenario import Kind, Scenario


def _url(text: str) -> str:
    """Raises ValueError, which quotes no password."""
    url = urlsplit(text)
    if "@" in url.netloc:
        raise ValueError("a URL is no place for a user and a password")
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError(f"expected http:// or https:// and a host, not {text!r}")
    if url.port == 0:
        raise ValueError("there is no port 0")
    return text.rstrip("/")


def _base_url(text: str) -> str:
    """Raises ValueError."""
    url = _url(text)
    if urlsplit(url).path:
        raise ValueError(f"expected a base URL without a path, not {text!r}")
    return url


def _urls(text: str) -> str:
    return ",".join(_url(each.strip()) for each in text.split(","))


def _first_word(text: str) -> str:
    """Of a secret's file, as a deployment's own API keys are written. Raises ValueError."""
    words = [line.split()[0] for line in text.splitlines() if line.strip() and line[0] != "#"]
    if not words or words[0].startswith("sha256:"):
        raise ValueError("its first line that is no comment must begin with the secret itself")
    return words[0]


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    target: str | None = setting(
        None, help="the deployment's Realtime API: its base URL", parse=_base_url
    )
    api_key_file: str | None = setting(None, help="file with its API key", parse=str)
    model: str | None = setting(None, help="the model that sessions ask for", parse=str)
    sip: str | None = setting(
        None, help="[NUMBER@]HOST:PORT of its SIP over UDP, for callers of kind sip", parse=str
    )
    sip_user: str | None = setting(None, help="as whom SIP callers call", parse=str)
    sip_password_file: str | None = setting(None, help="file with their password", parse=str)
    reflector: str | None = setting(
        None, help="base URLs of reflectors, with commas between, for callers of kind relay",
        parse=_urls,
    )  # fmt: skip
    certificate_authority: str | None = setting(
        None, help="PEM file that vouches for the target, where the system does not", parse=str
    )

    def as_target(self) -> Target:
        """Raises SettingError where a file cannot be read."""
        if self.certificate_authority:
            read_secret_file("--certificate-authority", self.certificate_authority, str)
        return Target(
            http=self.target or "",
            api_key=_secret("--api-key-file", self.api_key_file),
            model=self.model or "",
            sip=self.sip or "",
            sip_user=self.sip_user or "",
            sip_password=_secret("--sip-password-file", self.sip_password_file),
            reflector=self.reflector or "",
            certificate_authority=self.certificate_authority or "",
        )


def check_target(target: Target, scenario: Scenario) -> None:
    """Raises SettingError where callers of the scenario have nobody to call."""
    needed: Mapping[Kind, tuple[str, str]] = {
        Kind.WEBRTC: ("--target", target.http),
        Kind.WEBSOCKET: ("--target", target.http),
        Kind.SIP: ("--sip", target.sip),
        Kind.RELAY: ("--reflector", target.reflector),
    }
    for caller in scenario.callers:
        flag, value = needed[caller.kind]
        if not value:
            raise SettingError(f"{flag} is needed by callers of kind {caller.kind}, or --local")


def _secret(flag: str, path: str | None) -> str:
    return "" if path is None else read_secret_file(flag, str(Path(path)), _first_word)
