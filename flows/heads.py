"""The head model that a recipe asks for, made ready before the first worker starts.

MediaPipe's landmarks are found on a FLAME of the user's own once, which takes half a minute; then it stands on
this machine's shelf. Whoever starts workers does it, so that they never wait for it or do it twice.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import InvalidRecipe
from flows.own_files import flame_of
from flows.quiet import quiet
from flows.recipe import Recipe
from models.assets import AssetStore
from models.head.embedding import LandmarksNotFound
from models.head.model import HeadModel, UnreadableHeadModel, load_open_head
from models.head.shelf import HeadShelf, UnknownHeadModel
from tasks.reconstruct import FlameFile

Progress = Callable[[int, int], None]


def head_name(recipe: Recipe) -> str:
    """The name of the head model that ``recipe`` fits."""
    wish = recipe.reconstruct.head
    return wish.name if isinstance(wish, FlameFile) else load_open_head().name


def make_head_ready(recipe: Recipe, assets: Path, progress: Progress = lambda *_: None) -> HeadModel:
    """The head model of ``recipe``, its landmarks found if that is still to do; ``progress`` hears how far it is.

    Raises ``InvalidRecipe``, ``models.assets.AssetMissing``.
    """
    wish, shelf = recipe.reconstruct.head, HeadShelf.beside(assets)
    if not isinstance(wish, FlameFile):
        return load_open_head()
    with _alone(assets):
        try:
            return shelf.head(wish.name)
        except (UnknownHeadModel, UnreadableHeadModel):
            # Both bring mediapipe and a renderer, which only this once is worth.
            from models.flame.embed import embed_flame
            from models.landmarks import FaceLandmarker

            with quiet(), FaceLandmarker(AssetStore(assets).path("face-landmarker")) as finder:
                try:
                    head = embed_flame(flame_of(wish), finder, progress=progress)
                except LandmarksNotFound as error:
                    raise InvalidRecipe(f"reconstruct.head: {wish.path}: {error}") from error
            shelf.put(head)
            return head


@contextmanager
def _alone(assets: Path) -> Iterator[None]:
    """One process at a time; the next finds what this one made."""
    assets.mkdir(parents=True, exist_ok=True)
    with (assets / ".heads.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
