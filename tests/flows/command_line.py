"""``xtalker`` as a user calls it."""

import subprocess
import sys
from subprocess import CompletedProcess

from typer.testing import CliRunner

from flows.cli import app


def xtalker(*arguments: object, given: bytes = b"") -> "CompletedProcess[str]":
    """Exit code and output of a call, in this process: starting another costs seconds. ``given`` comes on standard
    input. An error that is none of ours, and would be a traceback to the user, is raised."""
    words = list(map(str, arguments))
    done = CliRunner().invoke(app, words, input=given)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def started(*arguments: object) -> "CompletedProcess[str]":
    """The same in a process of its own."""
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
