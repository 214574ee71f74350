"""OpenAI's package for Node.js, which connects by wss only, to `antiphon up --tls`."""

import json
import os
import subprocess

import pytest

from tests.e2e.npm_project import NODE, NPM_PROJECT, needs_npm
from tests.e2e.sdk_deployment import SdkDeployment

pytestmark = needs_npm


def test_a_session_of_npms_openai(sdks: SdkDeployment) -> None:
    environ = {
        **os.environ,
        "NODE_EXTRA_CA_CERTS": str(sdks.certificate),
        "OPENAI_BASE_URL": sdks.base_url,
        "OPENAI_API_KEY": sdks.api_key,
    }
    command = [NODE, NPM_PROJECT / "openai_ws.mjs"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen.pop("audioSeconds") == pytest.approx(1.0, abs=0.6)
    assert json.loads(seen["call"].pop("arguments")) == {"city": "rome"}
    assert seen == {
        "spoken": "I am awake.",
        "call": {"name": "weather"},
        "told": "It is sunny.",
        "refused": {"code": "response_cancel_not_active", "event_id": "mine"},
        "errors": ["response_cancel_not_active"],
    }
