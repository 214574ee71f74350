"""What the echo engine says of what it cannot do."""

import pytest

from antiphon_proto.trunk import Respond, ResponseStarted, SessionConfig
from inference.engine_output import EngineOutput
from inference.engines.echo import EchoEngine
from inference.error_code import EngineError, ErrorCode


@pytest.mark.parametrize(
    "request_", [Respond(1, "a", out_of_band=True), Respond(1, "a", context=())]
)
def test_it_has_nothing_to_say_to_another_context(request_: Respond) -> None:
    outputs: list[EngineOutput] = []
    session = EchoEngine().open(SessionConfig(), (), outputs.append)
    with pytest.raises(EngineError) as refused:
        session.respond(request_)
    assert refused.value.code is ErrorCode.UNSUPPORTED_RESPONSE
    assert not any(isinstance(output, ResponseStarted) for output in outputs)
