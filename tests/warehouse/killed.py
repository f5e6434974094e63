"""A committer that kills itself: ``python -m tests.warehouse.killed ROOT...``; a root is called by its point's number.

Each point gets a process of its own, which dies by a real SIGKILL just before the statement or file operation the
point names, and leaves its root as any killed committer would.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.warehouse.lakes import staged, tables
from tests.warehouse.models import registered
from warehouse import commit as committing
from warehouse import registry
from warehouse.lake import Lake
from warehouse.store import Store

# a statement's beginning and which of those like it, or an operation of the operating system and which call of it
POINTS = (
    ("publish", 1),
    ("link", 1),
    ("link", 4),
    ("BEGIN", 1),
    ("DELETE FROM lake.clips", 1),
    ("DELETE FROM lake.sources", 1),
    ("CALL ducklake_add_data_files", 2),
    ("CALL lake.set_commit_message", 1),
    ("COMMIT", 1),
    ("after COMMIT", 1),
    ("remove_folder", 1),
)
MODEL_POINTS = (  # of a registration
    ("copyfile", 2),
    ("link", 1),
    ("CALL ducklake_add_data_files", 2),
    ("COMMIT", 1),
    ("after COMMIT", 1),
)
REPLACED, ADDED = "b", "c"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fuse:
    """Passes calls through until the ``nth`` that begins with ``word``; that one kills the process."""

    def __init__(self, inner: Any, word: str, nth: int) -> None:
        self._inner, self._word, self._left = inner, word, nth

    def execute(self, sql: str, *args: Any) -> Any:
        self._count(sql)
        result = self._inner.execute(sql, *args)
        self._count(f"after {sql}")
        return result

    def wrapping(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._count(name)
            return function(*args, **kwargs)

        return call

    def into(self, store: Store) -> None:
        """Count what ``store`` and those below it are asked to do."""
        kind: Any = type(store)
        for name in ("link", "publish", "remove_folder"):
            setattr(kind, name, self.wrapping(name, getattr(kind, name)))

    def _count(self, what: str) -> None:
        if what.startswith(self._word):
            self._left -= 1
            if self._left == 0:
                die()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def commit_and_die(root: Path, word: str, nth: int) -> None:
    with committing.open_committer(root) as lake:
        fuse: Any = Fuse(lake.con, word, nth)
        fuse.into(lake.layout.store)
        commit = staged(lake, tables([REPLACED, ADDED], key="k2", snr_db=30.0))
        committing.commit(replace(lake, con=fuse), commit)


def register_and_die(root: Path, word: str, nth: int) -> None:
    @contextmanager
    def fused(*args: Any) -> Iterator[Lake]:
        with committing.open_committer(*args) as lake:
            fuse: Any = Fuse(lake.con, word, nth)
            fuse.into(lake.layout.store)
            shutil.copyfile = fuse.wrapping("copyfile", shutil.copyfile)
            yield replace(lake, con=fuse)

    module: Any = registry
    module.open_committer = fused
    registered(root, root.with_name(f"checkpoint of {root.name}"), "model")


def main() -> None:
    tables(["x"])  # pyarrow imports pandas for it, once and not in every child
    for root in map(Path, sys.argv[1:]):
        word, nth = (POINTS + MODEL_POINTS)[int(root.name)]
        die_in = commit_and_die if int(root.name) < len(POINTS) else register_and_die
        child = os.fork()  # before any connection was opened: nothing but modules is shared
        if child == 0:
            die_in(root, word, nth)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            sys.exit(f"{word} {nth}: not reached (status {status})")


if __name__ == "__main__":
    main()
