"""A warehouse fitted with a FLAME: its model is trained, measured and performed with that head, and with no other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from flows.performing import Casting, Request, generate, open_cast
from flows.training import TrainReport, run_training
from models.export.arrays import read_npz
from models.head.model import NoNamedActions
from models.head.shelf import HeadShelf, UnknownHeadModel
from models.training.checkpoint import read_card
from schemas.record import SourceRecord
from schemas.units import SAMPLE_RATE
from tests.builders import speech_like, write_media
from tests.flows.avatars import Spoken, cast, curate, no_pictures, quick_plan, tiny_models
from tests.models.flame.dressed import NAME, dressed_head

pytestmark = pytest.mark.slow


class SpokenByFlame(Spoken):
    def record(self) -> SourceRecord:
        made = super().record()
        (clip,) = made.clips
        return replace(made, clips=(replace(clip, motion=replace(clip.motion, head_model=NAME)),))


@dataclass(frozen=True)
class Place:
    root: Path
    assets: Path
    report: TrainReport


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("flame")
    clips = [SpokenByFlame(**vars(clip)) for clip in cast(folder)]
    with tiny_models(folder / "whisper"), no_pictures():
        root, assets = curate(folder / "warehouse", clips), folder / "assets"
        with pytest.raises(UnknownHeadModel, match=NAME):
            run_training(root, assets, quick_plan(), "cpu", False, Console(quiet=True))
        HeadShelf.beside(assets).put(dressed_head())
        report = run_training(root, assets, quick_plan(), "cpu", False, Console(quiet=True))
        assert report is not None
        write_media(folder / "speech.mkv", sound=speech_like(2 * SAMPLE_RATE), sound_rate=SAMPLE_RATE)
        yield Place(root, assets, report)


def test_the_model_is_of_the_head_that_its_clips_were_fitted_with(place: Place) -> None:
    assert place.report.selected.head_model == NAME
    assert read_card(place.report.run / "checkpoint").head_model == NAME
    assert place.report.evaluation is not None
    assert place.report.version is not None


def test_it_performs_with_that_head(place: Place, tmp_path: Path) -> None:
    assert place.report.version is not None
    asked = {"model": place.report.version.version, "audio": place.root.parent / "speech.mkv"}
    made = generate(place.root, place.assets, Request(**asked, output=tmp_path / "out.npz"))
    assert read_npz(made.path).head_model == NAME
    with pytest.raises(NoNamedActions, match="no ARKit actions"):
        generate(place.root, place.assets, Request(**asked, output=tmp_path / "out.csv"))
    with pytest.raises(NoNamedActions):
        generate(place.root, place.assets, Request(**asked, output=tmp_path / "out.npz", emotion="happy"))
    with pytest.raises(UnknownHeadModel, match=NAME):
        open_cast(place.root, tmp_path, Casting(model=place.report.version.version))
