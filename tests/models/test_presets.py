"""Every preset builds on the data at hand, and comes back from its checkpoint as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.avatar.config import AvatarConfig
from models.avatar.motion import MOTION_DIM
from models.avatar.protocol import Condition, MotionModel
from models.avatar.sampler import Sampler
from models.head.model import load_open_head
from models.head.shelf import UnknownHeadModel
from models.paper.config import PaperConfig
from models.paper.model import Paper
from models.presets import Objective, Preset, build, frame_dim, open_model, schedule_of, windows_of
from models.training.checkpoint import ModelCard, UnreadableCheckpoint, WeightsDtype, write_checkpoint
from models.training.mixture import Mixture, Share
from models.training.pack import write_pack
from models.training.windows import Windows
from schemas.speech import SpeechFeatures
from tests.models.avatar import build as tiny
from tests.models.paper import test_paper
from tests.models.training.clips import DIM, MODEL, clips, silence

HEAD = load_open_head()


class TinyPaperConfig(PaperConfig):
    width: int = test_paper.TINY.width
    heads: int = test_paper.TINY.heads
    trunk_blocks: int = 1
    pose_blocks: int = 1
    expression_blocks: int = 1
    amplitude_width: int = 8
    time_frequencies: int = 8


@pytest.fixture
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The presets with networks of a few thousand numbers."""
    for name in ("small", "base"):
        monkeypatch.setattr(AvatarConfig, name, classmethod(lambda _: tiny.TINY))
    monkeypatch.setattr("models.presets.PaperConfig", TinyPaperConfig)


@pytest.fixture(scope="module", params=[False, True], ids=["no detail", "detail"])
def mixture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    root = tmp_path_factory.mktemp("pack")
    return Mixture((Share(write_pack(root, {"made": "here"}, clips([90, 80], request.param), HEAD)),))


def built(preset: Preset, mixture: Mixture) -> Objective:
    torch.manual_seed(0)
    objective = build(preset, mixture, Windows(mixture, windows_of(preset), silence()), HEAD)
    for parameter in objective.parameters():  # what begins at zero would hide what is lost
        if not parameter.abs().sum():
            torch.nn.init.normal_(parameter, std=0.1)
    return objective


def written(folder: Path, preset: Preset, objective: Objective, mixture: Mixture, **changes: object) -> Path:
    said = {
        "kind": preset.value,
        "network": objective.config.model_dump(mode="json"),
        "head_model": HEAD.name,
        "speech_model": MODEL,
        "speech_dim": DIM,
        "frame_dim": frame_dim(objective),
        "snapshot": 1,
        "selection": "true",
        "data_hours": 0.1,
        "licence_class": "public-domain",
        "code_version": "test",
        "dtype": WeightsDtype.FLOAT32,
    }
    card = ModelCard.model_validate(said | changes)
    write_checkpoint(folder / "model", card, objective.state_dict(), mixture.statistics)
    return folder / "model"


def frames_of(model: MotionModel) -> np.ndarray:
    rng = np.random.default_rng(5)
    speech = SpeechFeatures(
        60,
        rng.random(60, np.float32),
        np.full(60, 120, np.float32),
        rng.standard_normal((60, DIM)).astype(np.float32),
        MODEL,
    )
    condition = Condition(reference=rng.random(MOTION_DIM, np.float32), style=np.zeros(6, np.float32))
    return model.perform(speech, np.zeros(100, np.float32), condition, 2, 0)


@pytest.mark.usefixtures("small_sizes")
@pytest.mark.parametrize("preset", Preset)
def test_a_preset_is_built_for_the_data_and_comes_back_from_disk(
    preset: Preset, mixture: Mixture, tmp_path: Path
) -> None:
    objective = built(preset, mixture)
    config = objective.config
    assert (config.speech_dim, config.speech_model) == (DIM, MODEL)
    before = frames_of(objective if isinstance(objective, Paper) else Sampler(objective))
    again = open_model(written(tmp_path, preset, objective, mixture))
    after = frames_of(again)
    assert before.shape == (60, MOTION_DIM)
    assert before.std() > 1e-3
    np.testing.assert_allclose(after, before, atol=1e-5)


@pytest.mark.usefixtures("small_sizes")
@pytest.mark.parametrize("preset", Preset)
def test_a_preset_learns_from_its_own_windows(preset: Preset, mixture: Mixture) -> None:
    objective = built(preset, mixture).train()
    few = windows_of(preset).model_copy(update={"batch_size": 2})
    batch = Windows(mixture, few, silence()).batch(0)
    total = objective.losses(batch, torch.Generator().manual_seed(0))["total"]
    total.backward()
    assert torch.isfinite(total)
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in objective.parameters())


@pytest.mark.usefixtures("small_sizes")
def test_the_data_decides_the_papers_frame(mixture: Mixture) -> None:
    detailed = mixture.packs[0].detail is not None
    assert frame_dim(built(Preset.PAPER, mixture)) == (284 if detailed else 156)
    assert frame_dim(built(Preset.SMALL, mixture)) == MOTION_DIM


def test_every_preset_says_how_it_is_trained() -> None:
    for preset in Preset:
        assert schedule_of(preset).max_minutes is not None
        assert windows_of(preset).window_frames > 0


@pytest.mark.usefixtures("small_sizes")
@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"kind": "huge"}, UnreadableCheckpoint, "no network of kind 'huge'"),
        ({"network": {"width": -1}}, UnreadableCheckpoint, "no network of kind 'small' with these settings"),
        ({"network": {"widht": 16}}, UnreadableCheckpoint, "no network of kind 'small' with these settings"),
        ({"kind": "paper"}, UnreadableCheckpoint, "no network of kind 'paper'"),
        ({"head_model": "flame@2023"}, UnknownHeadModel, "'flame@2023'"),
    ],
    ids=["kind", "size", "name", "other kind", "head"],
)
@pytest.mark.parametrize("mixture", [False], indirect=True, ids=[""])
def test_a_checkpoint_that_is_not_ours_to_build_says_why(
    changes: dict[str, object], error: type[Exception], says: str, mixture: Mixture, tmp_path: Path
) -> None:
    folder = written(tmp_path, Preset.SMALL, built(Preset.SMALL, mixture), mixture, **changes)
    with pytest.raises(error, match=says):
        open_model(folder)


@pytest.mark.slow
@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("mixture", [False], indirect=True, ids=[""])
def test_the_real_sizes_come_back_too(preset: Preset, mixture: Mixture, tmp_path: Path) -> None:
    objective = built(preset, mixture)
    before = frames_of(objective if isinstance(objective, Paper) else Sampler(objective))
    after = frames_of(open_model(written(tmp_path, preset, objective, mixture)))
    np.testing.assert_allclose(after, before, atol=1e-5)
