"""A recipe that names files of the user's own: known by content, refused before any work, made ready once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.errors import InvalidRecipe
from flows.heads import head_name, make_head_ready
from flows.recipe import Recipe, load_recipe
from models.flame.model import flame_head
from models.flame.read import FlameArrays
from models.head.model import HeadModel
from models.head.shelf import HeadShelf
from models.sync.calibration import SyncCalibration
from models.sync.model import SyncCard, write_sync
from models.sync.network import SyncNetwork
from schemas.config import OwnFile
from tasks.reconstruct import Backend
from tests.models.deca.files import constants, write
from tests.models.flame.files import random_embedding, random_model, write_npz
from tests.models.sync.made import TINY
from tests.models.syncnet.files import constants as syncnet_constants
from tests.models.syncnet.files import write as write_syncnet


def full_model(size: float = 1.0) -> dict[str, np.ndarray]:
    """100 + 50 directions where a FLAME file has them, nearly all zero."""
    directions = np.zeros((5023, 3, 350), np.float32)
    directions[:, :, 0] = size * 1e-3
    return random_model() | {"shapedirs": directions}


@pytest.fixture(scope="module")
def flames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flames")
    write_npz(folder / "flame2020.npz", full_model())
    write_npz(folder / "flame2023.npz", full_model(2.0))
    return folder


def recipe(folder: Path, text: str) -> Recipe:
    path = folder / "mine.yaml"
    path.write_text(f"reconstruct: {text}\n")
    return load_recipe(path)


def test_results_depend_on_what_a_flame_holds_not_on_where_it_lies(flames: Path) -> None:
    ours, default = recipe(flames, "{head: flame2020.npz}"), load_recipe()
    assert head_name(ours).startswith("flame2020@")
    assert head_name(default) == "open-head@1"
    (flames / "moved").mkdir(exist_ok=True)
    (flames / "moved" / "flame2020.npz").write_bytes((flames / "flame2020.npz").read_bytes())
    moved = recipe(flames, "{head: moved/flame2020.npz}")
    other = recipe(flames, "{head: flame2023.npz}")
    fewer = recipe(flames, "{head: {path: flame2020.npz, n_expressions: 10, n_shapes: 50}}")
    for key in ("curation_key", "clip_versions"):
        assert getattr(moved, key) == getattr(ours, key)
        assert len({getattr(r, key) for r in (ours, default, other)}) == 3
    assert fewer.curation_key == ours.curation_key  # what is cut off is zero in this one
    assert Recipe.model_validate_json(ours.model_dump_json()) == ours  # as a worker is told


def test_a_file_that_is_not_right_is_refused_with_the_recipe(flames: Path) -> None:
    for text, message in (
        ("{head: gone_flame2020.npz}", "gone_flame2020.npz.*https://flame.is.tue.mpg.de"),
        ("{head: {path: flame2020.npz, name: flame2020@00000000}}", "holds flame2020@.*not flame2020@00000000"),
        ("{head: {path: flame2020.npz, n_shapes: 300}}", "n_shapes"),
        ("{backend: deca, head: flame2020.npz}", "deca names no file.*https://deca.is.tue.mpg.de"),
        ("{backend: deca, deca: x.tar}", "DECA speaks FLAME 2020; name its file.*https://flame.is.tue.mpg.de"),
        ("{backend: deca, deca: x.tar, head: flame2020.npz}", "x.tar: No such file.*non-commercial"),
        ("{backend: deca, deca: flame2020.npz, head: flame2020.npz}", "flame2020.npz: not a torch file"),
        ("{fan: {network: gone.pth.tar}}", "gone.pth.tar.*adrianbulat"),
        ("{fan: {network: flame2020.npz}}", "not a torch file|face-alignment"),
        ("{backend: both}", "backend"),
    ):
        with pytest.raises(InvalidRecipe, match=message):
            recipe(flames, text)


def test_deca_wants_its_own_flame_and_its_content_counts(flames: Path) -> None:
    write(flames / "deca_model.tar", constants())
    with pytest.raises(InvalidRecipe, match=r"DECA speaks FLAME 2020, .*holds flame2023@"):
        recipe(flames, "{backend: deca, deca: deca_model.tar, head: flame2023.npz}")
    alone = recipe(flames, "{backend: deca, deca: deca_model.tar, head: flame2020.npz}")

    def changed(**settings: object) -> Recipe:
        return Recipe.model_validate(
            alone.model_dump() | {"reconstruct": alone.reconstruct.model_copy(update=settings).model_dump()}
        )

    both, unused = changed(backend=Backend.BOTH), changed(backend=Backend.LANDMARKS)
    other = changed(deca=OwnFile(path=Path("deca_model.tar"), sha256="aa"))
    assert len({r.curation_key for r in (alone, both, unused, other)}) == 4
    assert unused.curation_key == changed(backend=Backend.LANDMARKS, deca=None).curation_key
    with pytest.raises(InvalidRecipe, match="has sha256"):
        recipe(flames, f"{{backend: deca, deca: {{path: deca_model.tar, sha256: {64 * 'a'}}}, head: flame2020.npz}}")


def test_a_second_finder_counts_by_its_content() -> None:
    def key(**fan: object) -> str:
        settings = load_recipe().model_dump(mode="json")
        settings["reconstruct"]["fan"] = fan
        return Recipe.model_validate(settings).clip_versions

    here, elsewhere = ({"path": f"{place}/2DFAN4.pth.tar", "sha256": "aa"} for place in "ab")
    assert key(network=here) == key(network=elsewhere) != load_recipe().clip_versions
    assert len({key(network=here), key(network=here | {"sha256": "bb"}), key(network=here, depth=here)}) == 3
    assert key(network=here, every_frames=1) != key(network=here)


def test_a_sync_model_counts_by_its_content(tmp_path: Path) -> None:
    def key(folder: str, temper: float) -> str:
        card = SyncCard(network=TINY, calibration=SyncCalibration(temper=temper))
        write_sync(tmp_path / folder, card, SyncNetwork(TINY).state_dict())
        (tmp_path / "mine.yaml").write_text(f"sync: {{model: {folder}}}\n")
        found = load_recipe(tmp_path / "mine.yaml")
        assert Recipe.model_validate_json(found.model_dump_json()).curation_key == found.curation_key
        return found.curation_key

    torch.manual_seed(0)
    first = key("a", 0.5)
    torch.manual_seed(0)
    assert key("b/c", 0.5) == first
    assert len({first, key("d", 0.6), load_recipe().curation_key}) == 3
    (tmp_path / "mine.yaml").write_text("sync: {model: nowhere}\n")
    with pytest.raises(InvalidRecipe, match=r"sync\.model.*nowhere"):
        load_recipe(tmp_path / "mine.yaml")


def test_syncnet_counts_by_its_content_and_costs_nothing_where_it_is_not(tmp_path: Path) -> None:
    def read(text: str) -> Recipe:
        (tmp_path / "mine.yaml").write_text(f"sync: {text}\n")
        return load_recipe(tmp_path / "mine.yaml")

    (tmp_path / "b").mkdir()
    weights = syncnet_constants()
    for name in ("syncnet_v2.model", "b/moved.model"):
        write_syncnet(tmp_path / name, weights)
    write_syncnet(tmp_path / "other.model", weights | {"netfcaud.3.bias": torch.zeros(1024)})
    first = read("{syncnet: {weights: syncnet_v2.model}}")
    assert Recipe.model_validate_json(first.model_dump_json()) == first
    others = [read(f"{{syncnet: {{weights: {w}}}}}") for w in ("b/moved.model", "other.model")]
    rarer = read("{syncnet: {weights: syncnet_v2.model, every_frames: 2}}")
    assert others[0].curation_key == first.curation_key
    assert len({r.curation_key for r in (first, others[1], rarer, load_recipe())}) == 4
    assert read("{}").curation_key == load_recipe().curation_key
    for named, message in (("gone", "sync.syncnet.weights.*gone.*lipsync/data"), ("mine.yaml", "not a torch file")):
        with pytest.raises(InvalidRecipe, match=message):
            read(f"{{syncnet: {{weights: {named}}}}}")


def test_landmarks_are_found_once_whoever_asks(flames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def embed(arrays: FlameArrays, finder: object, progress: object) -> HeadModel:
        found.append(arrays.name)
        return flame_head(arrays, np.zeros(5023, np.uint8), random_embedding(arrays))

    monkeypatch.setattr("models.flame.embed.embed_flame", embed)
    monkeypatch.setattr("models.landmarks.FaceLandmarker", nullcontext)
    monkeypatch.setattr("models.assets.AssetStore.path", lambda *_: tmp_path)
    ours = recipe(flames, "{head: flame2020.npz}")
    with ThreadPoolExecutor(2) as threads:
        heads = list(threads.map(lambda _: make_head_ready(ours, tmp_path), range(2)))
    assert found == [head_name(ours)] == [heads[0].name]
    assert HeadShelf.beside(tmp_path).head(head_name(ours)).n_seen_shapes == 1
    (place,) = (tmp_path / "heads").glob("*.npz")
    place.write_bytes(b"cut short")
    make_head_ready(ours, tmp_path)
    assert len(found) == 2
    assert make_head_ready(load_recipe(), tmp_path).name == "open-head@1"
