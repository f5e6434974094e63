"""Keeps native code's words from the user's terminal: MediaPipe tells of its machinery and cannot be asked not to."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """While this is open only Python's own prints reach standard error; native errors come as exceptions."""
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with tempfile.TemporaryFile() as unread, os.fdopen(os.dup(terminal), "w", buffering=1) as spoken:
            os.dup2(unread.fileno(), 2)
            with contextlib.redirect_stderr(spoken):
                yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
