"""``models``, ``generate``, ``train`` and ``evaluate``: what comes out, and what a wrong call is told."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.performing import DEFAULT, SHIPPED, find_model
from flows.training import TrainPlan, TrainReport
from models.assets import AssetStore
from models.avatar.motion import MOTION_DIM
from models.export.arrays import read_npz
from models.head.model import load_open_head
from models.presets import Preset, windows_of
from models.training.checkpoint import ModelCard, UnreadableCheckpoint, read_card, write_checkpoint
from models.training.folders import DiskFull
from models.training.guard import TrainingDiverged
from models.training.loop import RunExists, Trained
from models.training.state import CannotResume
from schemas.units import SAMPLE_RATE
from schemas.version import TrainedModel
from tests.builders import speech_like, write_media
from tests.flows.avatars import HELD_OUT, STORED, cast, curate, no_pictures, tiny_models
from tests.flows.command_line import xtalker
from tests.models.avatar.build import neutral, tiny_avatar
from tests.models.controls.test_prompt import SharedWords
from tests.models.whisper_files import DIM
from tests.tasks.test_portrait import Finder
from warehouse.promotion import PromotionRule
from warehouse.registry import promote, register
from warehouse.selection import Selection, select_clips

SECONDS, FRAMES = 2.2, 55


@dataclass(frozen=True)
class Stage:
    """A warehouse with a champion that was never trained, and a speech."""

    folder: Path
    champion: str
    other: str
    clip: str
    source: str

    @property
    def root(self) -> Path:
        return self.folder / "warehouse"

    @property
    def speech(self) -> Path:
        return self.folder / "speech.mkv"


def registered(root: Path, folder: Path, seed: int) -> str:
    """A version whose network is random."""
    avatar = tiny_avatar(seed, awake=True, speech_dim=DIM, speech_model=f"{STORED} steady")
    selected = select_clips(root, Selection(holdout=HELD_OUT))
    card = ModelCard(
        kind="small",
        network=avatar.config.model_dump(mode="json"),
        head_model=load_open_head().name,
        speech_model=avatar.config.speech_model,
        speech_dim=DIM,
        frame_dim=MOTION_DIM,
        snapshot=selected.snapshot,
        selection="",
        data_hours=0.1,
        licence_class="public-domain",
        code_version="test",
    )
    write_checkpoint(folder / str(seed), card, avatar.state_dict(), neutral(DIM))
    return register(root, TrainedModel("small", 5, "test"), selected, [], folder / str(seed)).version


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    clips = cast(folder)
    with tiny_models(folder / "whisper"), no_pictures():
        root = curate(folder / "warehouse", clips)
        champion, other = (registered(root, folder, seed) for seed in (1, 2))
        promote(root, champion, PromotionRule(), "test", force=True)
        write_media(folder / "speech.mkv", sound=speech_like(int(SECONDS * SAMPLE_RATE)), sound_rate=SAMPLE_RATE)
        cv2.imwrite(str(folder / "grey.png"), np.full((90, 80, 3), 128, np.uint8))
        made = clips[0].record()
        yield Stage(folder, champion, other, made.clips[0].motion.clip_id, made.source_id)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A warehouse with clips and no models."""
    return curate(tmp_path / "bare", cast(tmp_path)[:1])


def rows_of(stage: Stage) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(xtalker("models", "-w", stage.root, "--json").stdout)
    return rows


class Blind(Finder):
    """Finds no face in any picture."""

    def __init__(self, _: Path) -> None:
        super().__init__()

    def __enter__(self) -> "Blind":
        return self

    def __exit__(self, *_: object) -> None: ...


def have(asset: str, patch: pytest.MonkeyPatch) -> None:
    """Make ``asset`` be there; it is then not read."""
    known = AssetStore.path
    patch.setattr(AssetStore, "path", lambda store, name: Path() if name == asset else known(store, name))


# --- models


def test_a_warehouse_without_models_says_how_the_first_is_made(bare: Path) -> None:
    done = xtalker("models", "-w", bare)
    assert (done.returncode, done.stdout.strip()) == (0, "no models yet; `xtalker train` makes the first")
    assert json.loads(xtalker("models", "-w", bare, "--json").stdout) == []
    shown = xtalker("models", "show", "champion", "-w", bare)
    assert (shown.returncode, "`xtalker train` makes the first" in shown.stderr) == (2, True)
    performed = xtalker("generate", "-a", "x.wav", "-o", bare / "x.npz", "--model", "champion", "-w", bare)
    assert (performed.returncode, "no model is called 'champion'" in performed.stderr) == (2, True)
    back = xtalker("models", "rollback", "-w", bare)
    assert (back.returncode, "no other version before" in back.stderr) == (2, True)


def test_models_are_listed_with_their_names(stage: Stage) -> None:
    listed = xtalker("models", "-w", stage.root)
    assert listed.returncode == 0
    assert stage.champion[:12] in listed.stdout
    names = {row["version"]: row["aliases"] for row in rows_of(stage)}
    assert names == {stage.champion: ["champion"], stage.other: []}


def test_a_version_shows_its_data_and_the_decisions_about_it(stage: Stage) -> None:
    shown = xtalker("models", "show", "champion", "-w", stage.root)
    assert shown.returncode == 0
    assert f"force {stage.champion}: forced" in shown.stdout
    assert "public-domain" in shown.stdout
    assert HELD_OUT in shown.stdout


def test_who_does_not_beat_the_champion_is_refused_unless_forced_and_a_rollback_undoes_it(stage: Stage) -> None:
    refused = xtalker("models", "promote", stage.other, "-w", stage.root)
    assert (refused.returncode, "is not made champion" in refused.stdout) == (0, True)
    forced = xtalker("models", "promote", stage.other, "--force", "-w", stage.root)
    assert f"{stage.other} is champion: forced" in forced.stdout
    back = xtalker("models", "rollback", "-w", stage.root)
    assert back.stdout.strip() == f"champion is {stage.champion} again"


# --- generate


def test_the_champion_speaks_and_without_one_the_head_that_comes_along(stage: Stage, tmp_path: Path) -> None:
    assert find_model(stage.root, None)[0] == stage.champion
    assert find_model(stage.root, stage.other[:-2])[0] == stage.other
    assert find_model(stage.root, DEFAULT) == find_model(tmp_path / "nowhere", None) == (DEFAULT, SHIPPED)
    assert read_card(SHIPPED).head_model == load_open_head().name


def generate(stage: Stage, output: Path, *words: object) -> str:
    done = xtalker("generate", "-a", stage.speech, "-o", output, "-w", stage.root, *words)
    assert done.returncode == 0, done.stderr
    assert f"by {stage.champion}" in done.stdout
    return done.stderr


def test_parameters_of_the_champion_are_as_long_as_the_speech_and_the_same_again(stage: Stage, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        generate(stage, tmp_path / f"{name}.npz", "--seed", seed)
    one, again, other = (read_npz(tmp_path / f"{name}.npz") for name in ("one", "again", "other"))
    assert one.n_frames == FRAMES
    np.testing.assert_array_equal(one.jaw, again.jaw)
    assert np.abs(one.expression - other.expression).max() > 1e-3


def test_arkit_has_a_row_for_every_frame(stage: Stage, tmp_path: Path) -> None:
    generate(stage, tmp_path / "face.csv", "--emotion", "happy:0.5", "--pose", "still")
    with (tmp_path / "face.csv").open() as file:
        assert len(list(csv.DictReader(file))) == FRAMES


def test_a_clips_person_speaks(stage: Stage, tmp_path: Path) -> None:
    generate(stage, tmp_path / "person.npz", "--identity", stage.clip, "--pose", f"clip:{stage.clip}")
    shape = cast(stage.folder)[0].record().clips[0].motion.shape
    np.testing.assert_array_equal(read_npz(tmp_path / "person.npz").shape, shape)


def test_nonsense_in_a_prompt_is_told_and_changes_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.performing.SentenceEncoder", lambda _: SharedWords())
    have("minilm", monkeypatch)
    told = generate(stage, tmp_path / "nonsense.npz", "--prompt", "purple monkey dishwasher")
    assert "'purple monkey dishwasher' was not understood, and is left out" in told
    generate(stage, tmp_path / "plain.npz")
    said, plain = read_npz(tmp_path / "nonsense.npz"), read_npz(tmp_path / "plain.npz")
    np.testing.assert_array_equal(said.expression, plain.expression)
    told = generate(stage, tmp_path / "happy.npz", "--prompt", "cheerful")
    assert "'cheerful' -> emotion happy 0.75" in told
    assert np.abs(read_npz(tmp_path / "happy.npz").expression - plain.expression).max() > 0.1


def test_a_picture_without_a_face_is_refused_in_words(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.landmarks.FaceLandmarker", Blind)
    have("face-landmarker", monkeypatch)
    picture = ("--image", stage.folder / "grey.png")
    done = xtalker("generate", "-a", stage.speech, "-o", tmp_path / "x.npz", "-w", stage.root, *picture)
    assert (done.returncode, "grey.png: no face was found" in done.stderr) == (1, True)
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("-o", "out.mov"), 2, ".mp4"),
        (("-o", "out.npz", "--model", "small-1234"), 2, "no model is called 'small-1234'"),
        (("-o", "out.npz", "--identity", "nobody"), 2, "nobody"),
        (("-o", "out.npz", "--identity", "SOURCE"), 2, "name one of its clips"),
        (("-o", "out.npz", "--image", "SPEECH", "--identity", "CLIP"), 2, "not both"),
        (("-o", "out.npz", "--emotion", "hapy"), 2, "'hapy'"),
        (("-o", "out.npz", "--emotion-curve", "gone.csv"), 2, "gone.csv"),
        (("-o", "out.npz", "--pose", "upside-down"), 2, "natural, still, presenter"),
        (("-o", "out.npz", "--camera", "helicopter"), 2, "orbit"),
        (("-o", "out.npz", "--steps", "0"), 2, "steps"),
        (("-o", "out.npz", "-a", "gone.wav"), 1, "gone.wav: No such file"),
        (("-o", "out.npz", "-a", "TEXT"), 1, "not a media file"),
        (("-o", "out.npz", "--image", "gone.png"), 1, "gone.png"),
        (("-o", "out.npz", "--image", "TEXT"), 1, "text.wav"),
        (("-o", "out.npz", "--prompt", "happy"), 1, "xtalker assets pull minilm"),
    ],
    ids=lambda value: " ".join(value[2:]) or value[1] if isinstance(value, tuple) else "",
)
def test_a_wrong_call_of_generate_is_told_what_to_do(
    stage: Stage,
    words: tuple[str, ...],
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XTALKER_ASSETS", str(tmp_path / "assets"))
    if "--image" in words:
        have("face-landmarker", monkeypatch)
        monkeypatch.setattr("models.landmarks.FaceLandmarker", Blind)
    Path("text.wav").write_text("these are words, and no sound")
    given = {"SOURCE": stage.source, "CLIP": stage.clip, "SPEECH": str(stage.speech), "TEXT": "text.wav"}
    done = xtalker(
        "generate", "-a", stage.speech, "--model", "champion", *(given.get(w, w) for w in words), "-w", stage.root
    )
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert not list(Path().glob("out.*"))


# --- train and evaluate


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "--snapshot", "soon"), "wanted a number of `xtalker snapshots`, or latest"),
        (("train", "--snapshot", "99"), "no snapshot 99"),
        (("train", "--where", "snr > 3"), "snr"),
        (("train", "--where", "true); drop table clips; --"), ""),
        (("train", "--where", "false"), "ask for less"),
        (("train", "--holdout", "lenght > 3"), "lenght"),
        (("train", "--licences", "research", "--where", "licence is null"), "fits where"),
        (("train", "--preset", "huge"), "small"),
        (("train", "--parent", "small-1234"), "no model is called 'small-1234'"),
        (("train", "--max-minutes", "0"), "max-minutes"),
        (("evaluate", "--model", "small-1234"), "no model is called 'small-1234'"),
        (("evaluate", "--split", "train"), "sentences"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_call_of_train_or_evaluate_ends_with_2_and_the_fix(
    stage: Stage, words: tuple[str, ...], says: str
) -> None:
    done = xtalker(*words, "-w", stage.root)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_training_without_a_warehouse_says_how_one_is_made(tmp_path: Path) -> None:
    for words in (("train",), ("models",), ("evaluate", "--model", "latest")):
        done = xtalker(*words, "-w", tmp_path / "nowhere")
        assert (done.returncode, "`xtalker curate` makes one" in done.stderr) == (2, True)


def test_a_device_that_is_not_there_ends_with_1(stage: Stage) -> None:
    words = ("--max-steps", 1, "--copies", 0, "--holdout", HELD_OUT)
    done = xtalker("train", "--devices", "cuda:9", *words, "-w", stage.root)
    assert (done.returncode, "cuda:9" in done.stderr) == (1, True)


def test_the_words_of_train_are_its_plan(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[TrainPlan, str, bool]] = []

    def ask(root: Path, assets: Path, plan: TrainPlan, devices: str, resume: bool, console: object) -> None:
        asked.append((plan, devices, resume))

    monkeypatch.setattr("flows.commands.train.run_training", ask)
    words = "--preset paper --snapshot 3 --max-steps 5 --copies 1 --synthetic 2 --seed 4 --parent small-1 --resume"
    rights = ("--licences", "commercial", "--licences", "CC-BY-NC-4.0", "--where", "snr_db > 9", "--holdout", "false")
    assert xtalker("train", *words.split(), *rights, "--devices", "cpu", "-w", stage.root).returncode == 0
    ((plan, devices, resume),) = asked
    assert (plan.preset, plan.parent, devices, resume) == (Preset.PAPER, "small-1", "cpu", True)
    assert plan.selection == Selection(
        snapshot=3, where="snr_db > 9", holdout="false", licences=("commercial", "CC-BY-NC-4.0")
    )
    assert (plan.mixture.copies, plan.mixture.synthetic_speakers, plan.mixture.seed) == (1, 2, 4)
    assert (plan.schedule.max_steps, plan.schedule.max_minutes, plan.schedule.seed) == (5, None, 4)
    assert plan.windows == windows_of(Preset.PAPER)
    assert xtalker("train", "-w", stage.root).returncode == 0
    assert asked[1][0] == TrainPlan.of(Preset.SMALL)


def test_a_stopped_training_says_how_it_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = Trained({}, step=7, elapsed_s=90.0, finished=False, validation={})
    selected = select_clips(stage.root, Selection())
    monkeypatch.setattr("flows.commands.train.run_training", lambda *_: TrainReport(stage.root, selected, trained))
    told = xtalker("train", "-w", stage.root).stdout
    assert told == "stopped at step 7 after 1.5 min; --resume goes on from there\n"


@pytest.mark.parametrize("error", [RunExists, CannotResume, TrainingDiverged, DiskFull, UnreadableCheckpoint])
def test_a_training_that_fails_ends_with_1_and_its_own_words(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error("what to do about it")

    monkeypatch.setattr("flows.commands.train.run_training", fail)
    done = xtalker("train", "-w", stage.root)
    assert (done.returncode, done.stderr) == (1, "xtalker: what to do about it\n")


def test_an_evaluation_shows_the_model_beside_what_must_lose(stage: Stage) -> None:
    words = ("--split", "sentences", "--seeds", 1, "--steps", 1, "-w", stage.root)
    done = xtalker("evaluate", "--model", "champion", *words)
    assert done.returncode == 0, done.stderr
    assert f"{stage.champion} on sentences of snapshot" in done.stdout
    for row in ("model", "shuffled audio", "mean motion", "frozen mouth"):
        assert f" {row} " in done.stdout
    assert "2 clips" in done.stdout


def test_evaluating_where_nobody_is_left_says_what_to_do(stage: Stage) -> None:
    done = xtalker("evaluate", "--model", stage.other, "-w", stage.root)
    assert (done.returncode, "only 0 clips in test" in done.stderr) == (1, True)
