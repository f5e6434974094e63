"""From clips of the warehouse to packs: what is in them, what is left out, and what is not made a second time."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flows.errors import CannotTrain
from flows.judging import open_judging
from flows.packs import MixtureConfig, Packs, make_packs
from models.head.model import load_open_head
from models.training.pack import Pack
from tasks.augment import AugmentConfig
from tests.builders import numbered_grey, write_media
from tests.flows.avatars import HELD_OUT, STORED, Spoken, curate, tiny_models
from tests.flows.records import N_FRAMES
from warehouse.selection import SENTENCES, Selection, select_clips

HEAD = load_open_head()
UNCHANGED = AugmentConfig(
    voice_probability=0, speed_probability=0, room_probability=0, noise_probability=0, gain_db=(0, 0)
)


@dataclass(frozen=True)
class Archive:
    """A warehouse in ``folder``; of its clips to train on, only that of "here" still has its source."""

    folder: Path
    here: Spoken
    gone: Spoken
    held: Spoken

    @property
    def root(self) -> Path:
        return self.folder / "warehouse"

    def packed(self, where: str = "true", said: list[str] | None = None, **settings: object) -> Packs:
        selected = select_clips(self.root, Selection(where=where, holdout=HELD_OUT))
        config = MixtureConfig.model_validate({"copies": 0} | settings)
        tell = (said if said is not None else []).append
        return make_packs(self.root, selected, SENTENCES, HEAD, self.root / "assets", config, tell)

    def names(self, pack: Pack) -> list[str]:
        """Which of the clips each of the pack is, in its order."""
        by_id = {clip.record().clips[0].motion.clip_id: clip.path.stem for clip in (self.here, self.held)}
        return [by_id.get(clip_id.partition("+")[0], "gone") for clip_id in pack.clip_ids]

    def files(self) -> dict[Path, int]:
        """Every array that was packed, and when it was written."""
        return {path: path.stat().st_mtime_ns for path in (self.root / "training").rglob("*.bin")}

    @contextmanager
    def brought_back(self, write: Callable[[Path], object]) -> Iterator[None]:
        write(self.gone.path)
        try:
            yield
        finally:
            self.gone.path.unlink()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("packs")
    here, gone = Spoken(folder / "here.mkv", "ann"), Spoken(folder / "gone.mkv", "bob")
    held = Spoken(folder / "held.mkv", "ann", transcript="held out")
    film(here, here.path)
    with tiny_models(folder / "whisper"):
        curate(folder / "warehouse", [here, gone, held])
        gone.path.unlink()
        yield Archive(folder, here, gone, held)


@pytest.fixture(scope="module")
def plain(archive: Archive) -> Packs:
    return archive.packed()


@pytest.fixture(scope="module")
def copied(archive: Archive) -> Packs:
    """With one copy that changes nothing, so that it is known."""
    return archive.packed(copies=1, augment=UNCHANGED)


def film(clip: Spoken, path: Path) -> None:
    write_media(path, numbered_grey([90] * N_FRAMES), sound=clip.sound, sound_rate=16_000)


def test_training_clips_are_packed_with_their_speakers_and_the_held_out_ones_apart(
    archive: Archive, plain: Packs
) -> None:
    (pack,) = plain.mixture.packs
    assert dict(zip(archive.names(pack), pack.speaker_ids)) == {"here": "ann", "gone": "bob"}
    assert plain.validation is not None
    assert archive.names(plain.validation.packs[0]) == ["held"]
    assert plain.left_out == 0


def test_nothing_held_out_is_nothing_to_watch(archive: Archive) -> None:
    assert archive.packed(where="path LIKE '%here%'").validation is None


def test_the_packs_speech_is_the_stored_one_without_the_trace_of_its_place(archive: Archive, plain: Packs) -> None:
    (pack,) = plain.mixture.packs
    assert pack.embedding_model == plain.ear.encoder.name == f"{STORED} steady"
    at = archive.names(pack).index("here")
    speech = pack.speech[pack.offset[at] : pack.offset[at + 1]]
    steady = plain.ear.of_stored(archive.here.record().clips[0].speech.features).embedding
    np.testing.assert_allclose(speech, steady, rtol=1e-3, atol=1e-3)
    assert np.abs(speech - archive.here.embedding).max() > 0.1


def test_silence_is_heard_by_the_same_ear(plain: Packs) -> None:
    assert plain.silence.embedding_model == plain.ear.encoder.name
    assert not plain.silence.envelope.any()


def test_copies_are_made_of_clips_whose_source_is_there(archive: Archive) -> None:
    said: list[str] = []
    made = archive.packed(said=said, copies=2, copies_passes=1.0)
    original, copies = made.mixture.shares
    assert original.pack.n_clips == 2
    assert archive.names(copies.pack) == ["here", "here"]
    assert [clip_id[-2:] for clip_id in copies.pack.clip_ids] == ["+0", "+1"]
    assert set(copies.pack.speaker_ids) == {"ann"}
    assert (copies.passes, made.left_out) == (0.5, 1)
    assert any("1 clips in 2 other voices" in line for line in said)


def test_a_copy_that_changes_nothing_is_the_clip_heard_again(archive: Archive, copied: Packs) -> None:
    original, copy = copied.mixture.packs
    heard = copied.ear.encoder.encode(archive.here.sound)  # type: ignore[attr-defined]
    np.testing.assert_allclose(copy.speech, heard, rtol=0.01, atol=0.05)
    at = archive.names(original).index("here")
    np.testing.assert_array_equal(copy.motion, original.motion[original.offset[at] : original.offset[at + 1]])


def test_what_was_packed_is_not_packed_again(archive: Archive, copied: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    written = archive.files()
    monkeypatch.setattr("flows.packs.augment", lambda *_: pytest.fail("a sound was changed again"))
    again = archive.packed(copies=1, augment=UNCHANGED)
    assert again.mixture.digest == copied.mixture.digest
    assert archive.files() == written


def test_other_copies_are_other_packs(archive: Archive, plain: Packs, copied: Packs) -> None:
    louder = archive.packed(copies=1, augment=UNCHANGED.model_copy(update={"gain_db": (3.0, 3.0)}))
    assert len({made.mixture.digest for made in (plain, copied, louder)}) == 3
    assert louder.mixture.packs[0].folder == plain.mixture.packs[0].folder


@pytest.mark.usefixtures("copied")  # copies of another clip are no answer
def test_a_source_that_cannot_be_read_any_more_is_refused(archive: Archive) -> None:
    with (
        archive.brought_back(lambda path: path.write_text("no video")),
        pytest.raises(CannotTrain, match=r"can no longer be read.*--copies 0"),
    ):
        archive.packed(where="path LIKE '%gone%'", copies=1, augment=UNCHANGED)


def test_a_judge_says_whom_it_knows_and_what_it_could_not_hear(archive: Archive) -> None:
    selected = select_clips(archive.root, Selection(where="NOT path LIKE '%gone%'", holdout=HELD_OUT))
    judging = open_judging(selected.clips)
    (here,) = (clip.clip_id for clip in selected.clips if clip.path == archive.here.path)
    assert {clip_id: heard.shape for clip_id, heard in judging.judge.heard.items()} == {here: (N_FRAMES, 64)}
    assert "GRID/grid_s1, 96 invented speakers; 0 of these 1 clips" in judging.facts["sync judged by"]
    assert re.match(r"1 of 2 clips; .*held.mkv can no longer be read", judging.facts["heard for sync"])


@pytest.mark.usefixtures("copied")
def test_a_source_that_is_another_file_now_is_refused(archive: Archive) -> None:
    with (
        archive.brought_back(lambda path: film(archive.here, path)),
        pytest.raises(CannotTrain, match=r"another file than the one that was curated.*--copies 0"),
    ):
        archive.packed(where="path LIKE '%gone%'", copies=1, augment=UNCHANGED)
