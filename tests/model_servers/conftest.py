"""One `transformers serve` for all tests that need a real model server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.free_ports import free_port
from tests.model_servers.server_process import ServerProcess, stopped_at_the_end


@pytest.fixture(scope="session")
def transformers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """It loads the model whose directory a request names."""
    port = free_port()
    program = str(Path(sys.executable).with_name("transformers"))
    command = [program, "serve", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("transformers-serve") / "log"
    with stopped_at_the_end(ServerProcess(command, port, log)) as server:
        yield server


@pytest.fixture(scope="session")
def chat_model(transformers_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a chat model at the server, which is running from now on.

    The server comes first: it starts while the model is made.
    """
    from tests.model_servers.tiny_models import save_chat_model

    directory = tmp_path_factory.mktemp("chat-model")
    save_chat_model(directory)
    transformers_server.wait()
    return str(directory)


@pytest.fixture(scope="session")
def recognition_model(
    transformers_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The directory, and thereby the name, of a Whisper at the server, which is running."""
    from tests.model_servers.tiny_whisper import save_recognition_model

    directory = tmp_path_factory.mktemp("recognition-model")
    save_recognition_model(directory)
    transformers_server.wait()
    return directory
