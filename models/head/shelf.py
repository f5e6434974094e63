"""Head models of the user's own, ready for use: a folder of files ``<name>.npz`` beside the assets.

A head's name holds the hash of its content, so a file is written once and never changes.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.head.model import HeadModel, UnreadableHeadModel, load_open_head, read_head

_NAME: Final = re.compile(r"[a-z0-9-]+@[0-9a-f]{8,}")  # what a warehouse says is not trusted as a file's name


class UnknownHeadModel(RuntimeError):
    """Motion or a model speaks the parameters of a head that is not here."""


@dataclass(frozen=True, slots=True)
class HeadShelf:
    """The open head, and what ``put`` put into ``folder``; without one, the open head alone."""

    folder: Path | None

    @classmethod
    def beside(cls, assets: Path) -> "HeadShelf":
        """The shelf of this machine, in the folder of its assets."""
        return cls(assets / "heads")

    def head(self, name: str) -> HeadModel:
        """The head model of that name. Raises ``UnknownHeadModel``, ``UnreadableHeadModel``."""
        if name == load_open_head().name:
            return load_open_head()
        if self.folder is None or not _NAME.fullmatch(name) or not self._place(name).is_file():
            raise UnknownHeadModel(
                f"the head model {name!r} is not on this machine. If it is a FLAME of yours, name its file in a recipe "
                "(reconstruct: {head: PATH}) and run `xtalker curate` with it here once"
            )
        head = read_head(self._place(name))
        if head.name != name:
            raise UnreadableHeadModel(f"{self._place(name)} holds {head.name!r}; delete the file")
        return head

    def put(self, head: HeadModel) -> Path:
        """Keep ``head``; whole or not at all, whoever else does the same."""
        if not _NAME.fullmatch(head.name):
            raise ValueError(f"a head on the shelf is named edition@hash, got {head.name!r}")
        place = self._place(head.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_name(f".{head.name}.{os.getpid()}.npz")
        try:
            np.savez(unfinished, **_arrays(head))  # type: ignore[arg-type]
            unfinished.replace(place)
        finally:
            unfinished.unlink(missing_ok=True)
        return place

    def _place(self, name: str) -> Path:
        if self.folder is None:
            raise ValueError("this shelf has no folder")
        return self.folder / f"{name}.npz"


def _arrays(head: HeadModel) -> dict[str, npt.NDArray[Any]]:
    """Under the names by which ``read_head`` knows them."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "name": np.array(head.name),
        "v_template": head.template,
        "f": head.faces,
        "shapedirs": head.shape_basis,
        "exprdirs": head.expression_basis,
        "expression_names": np.array(head.expression_names),
        "J_regressor": head.joint_regressor,
        "weights": head.weights,
        "kintree": head.parents,
        "n_seen_shapes": np.array(head.n_seen_shapes),
        "region": head.region,
        "landmark_face": head.landmark_face,
        "landmark_weights": head.landmark_weights,
        "landmark_sigma": head.landmark_sigma,
    }
    optional = {"pose_basis": head.pose_basis, "vt": head.uv, "ft": head.uv_faces}
    return arrays | {name: array for name, array in optional.items() if array is not None}
