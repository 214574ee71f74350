"""A fault that is a command of the operator's."""

import asyncio
import os
import signal
from collections.abc import Sequence

from loadtest.deployment.deployment import DeploymentError

PATIENCE_S = 120.0
_DETAIL_CHARS = 200


async def run_command(command: Sequence[str]) -> str:
    """Run it, without a shell, until it ends; its last line. Raises DeploymentError.

    Cancelled, or after two minutes, it is killed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise DeploymentError(f"{command[0]}: {error.strerror}") from error
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, _none = await process.communicate()
    except TimeoutError:
        raise DeploymentError(f"{command[0]} took longer than {PATIENCE_S:g} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    last = (output.decode(errors="replace").splitlines() or [""])[-1][:_DETAIL_CHARS]
    if process.returncode:
        raise DeploymentError(f"{command[0]} ended with {process.returncode}: {last}")
    return last
