"""What the tests of the inference tier share."""

import pytest

from inference.error_code import EngineError, ErrorCode
from tests.inference.scripted_engine import ScriptedEngine
from tests.inference.user_voice import UserVoice, user_voice


@pytest.fixture
def scripted_engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def engine_error() -> EngineError:
    return EngineError(ErrorCode.RESPONSE_ACTIVE, "one at a time")


@pytest.fixture(scope="session")
def user() -> UserVoice:
    return user_voice()
