"""Where the model servers of one kind are, by the settings."""

from chassis.secret_file import read_secret_file
from chassis.settings import SettingError
from inference.config import InferenceConfig
from inference.model_server.http_client import ServerAccess


def server_access(
    config: InferenceConfig,
    kind: str,
    urls: tuple[str, ...] | None,
    model: str | None,
    key_file: str | None,
) -> ServerAccess | None:
    """The servers of `--KIND-url`; None where there are none. Raises SettingError."""
    if (urls is None) != (model is None):
        raise SettingError(f"--{kind}-url and --{kind}-model go together")
    if urls is None:
        return None
    api_key = None
    if key_file is not None:
        api_key = read_secret_file(f"--{kind}-api-key-file", key_file, _api_key)
    return ServerAccess(
        urls=urls,
        api_key=api_key,
        connect_timeout_s=config.server_connect_timeout_s,
        session_header=config.server_session_header,
    )


def _api_key(text: str) -> str:
    """Raises ValueError for what no header can carry."""
    key = text.strip()
    if not (key and key.isascii() and key.isprintable()):
        raise ValueError("expected one key")
    return key
