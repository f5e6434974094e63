"""Drafts: the rows of curated sources between a batch and its commit, one file a source.

They lie in the warehouse's own store, where every machine that curates for it can put them and the one that commits
can read them. Their names say what was asked (``flows.protocol.draft_name``): a batch begun again, after whatever
death of its process or of the whole run, takes up what is there, so that only files that were being curated at that
moment are lost.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from warehouse.store import LocalStore, Store, open_store

FOLDER: Final = "drafts"


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one warehouse, in a folder of its store."""

    store: Store

    def have(self, names: Sequence[str]) -> frozenset[str]:
        """Those of ``names`` that are there, whole."""
        return frozenset(names).intersection(self.store.names())

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """A folder of this machine for a child to write drafts into; ``keep`` them before it closes. On a disk it is
        where the drafts stay, so that those outlive a killed parent too that it could not keep any more."""
        if isinstance(self.store, LocalStore):
            self.store.folder.mkdir(parents=True, exist_ok=True)
            yield self.store.folder
        else:
            with self.store.workspace() as folder:
                yield folder

    def keep(self, draft: Path) -> str:
        """See that a draft of the workshop is where all machines can read it; its name."""
        if not isinstance(self.store, LocalStore):
            self.store.write(draft.name, draft.read_bytes())
            draft.unlink()
        return draft.name

    @contextmanager
    def at_hand(self, names: Sequence[str]) -> Iterator[tuple[Path, ...]]:
        """These drafts as files of this machine, in the same order."""
        if isinstance(self.store, LocalStore):
            yield tuple(self.store.folder / name for name in names)
            return
        with self.store.workspace() as folder:
            for name in names:
                with self.store.open(name) as source, (folder / name).open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            yield tuple(folder / name for name in names)

    def portions(self, names: Sequence[str], most_bytes: int) -> Iterator[tuple[str, ...]]:
        """``names`` in order, in groups that hold no more than ``most_bytes`` unless a single one does."""
        group: list[str] = []
        group_bytes = 0
        for name in names:
            size_bytes = self.store.size_bytes(name)
            if group and group_bytes + size_bytes > most_bytes:
                yield tuple(group)
                group, group_bytes = [], 0
            group.append(name)
            group_bytes += size_bytes
        if group:
            yield tuple(group)

    def remove(self, names: Sequence[str]) -> None:
        """Remove drafts that were committed; some may be gone already."""
        self.store.remove(names)

    def sweep(self, older_than: timedelta) -> tuple[str, ...]:
        """Remove what nobody took up for so long, half-written ones too; their names."""
        before = datetime.now(UTC) - older_than
        old = tuple(name for name in self.store.names() if self.store.modified(name) < before)
        self.remove(old)
        return old


def drafts_of(warehouse: Path) -> Drafts:
    """Where the drafts of ``warehouse`` lie. Raises ``warehouse.errors.InvalidConfig``."""
    return Drafts(open_store(warehouse).sub(FOLDER))
