"""One vLLM, its CPU build, for `make test-vllm`.

`make test` leaves this directory alone: installing vLLM takes minutes and gigabytes. The
files' names are therefore none that pytest looks for unasked.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.free_ports import free_port
from tests.model_servers.server_process import ServerProcess, stopped_at_the_end
from tests.model_servers.tiny_models import CONTEXT_TOKENS, save_chat_model

PYTHON = Path(__file__).parents[2] / "build" / "vllm-venv" / "bin" / "python"
MODEL = "tiny"


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    assert PYTHON.exists(), "vLLM is not installed: make test-vllm"
    model = tmp_path_factory.mktemp("chat-model")
    save_chat_model(model)
    port = free_port()
    command = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(model), "--served-model-name", MODEL]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"]
    command += ["--max-model-len", str(CONTEXT_TOKENS), "--max-num-seqs", "8", "--enforce-eager"]
    command += ["--enable-prompt-tokens-details", "--enable-auto-tool-choice"]
    command += ["--tool-call-parser", "hermes"]
    command += ["--override-generation-config", '{"temperature": 0}']
    server = ServerProcess(
        command,
        port,
        tmp_path_factory.mktemp("vllm") / "log",
        VLLM_CPU_KVCACHE_SPACE="1",
        VLLM_NO_USAGE_STATS="1",
    )
    with stopped_at_the_end(server):
        server.wait()
        yield server
