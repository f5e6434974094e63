"""What the gates catch, and what they refuse wrongly: ``python -m tests.bench.faults FOLDER... [-o scores.json]``.

Every clip of the folders' videos is measured as it is and with each fault of ``tests.faults`` planted. A fault is
caught where a gate refuses a clip that was kept whole. The table tells the shares and the gates, for the tier asked
for; ``--again scores.json`` judges scores that were measured before. One clip alone never tells that it is mirrored:
the last row is what the commit tells of it beside the person's other videos, where they are enough and agree.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from flows.journey import candidates
from flows.kit import Kit, load_kit
from flows.measuring import Moving, record_of
from flows.recipe import Recipe, load_recipe
from flows.settings import Settings
from models.landmarks import FaceFinder
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.record import ClipRecord, ClipScores
from schemas.source import Offer, SourceVideo
from schemas.sync import SyncScores
from tasks.ingest import ingest
from tasks.judge import judge
from tasks.mirrors import likeness
from tasks.observe import observe
from tasks.speaker import Seen
from tests.faults import Covering, Mirroring, frozen, late_picture, swapped

CLEAN = "none"
SHIFT_FRAMES = 8
SUFFIXES = {".mp4", ".mpg", ".mkv", ".mov", ".webm"}
SYNTHETIC = re.compile(r"c\d+_(s\d+)")


@dataclass(frozen=True)
class Row:
    folder: str
    video: str
    fault: str
    scores: ClipScores
    asymmetry: list[float]  # of the face: models.evidence.asymmetry


class Remembering:
    """A model that answers the same question once: faults of the picture leave the sound alone."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._answers: dict[tuple[str, bytes], Any] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if not callable(found):
            return found

        def ask(audio: Float32) -> Any:
            key = (name, audio.tobytes())
            if key not in self._answers:
                self._answers[key] = found(audio)
            return self._answers[key]

        return ask

    def forget(self) -> None:
        self._answers.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="folders of videos, or files")
    parser.add_argument("--again", type=Path, nargs="*", default=[], help="scores measured before")
    parser.add_argument("-o", "--out", type=Path, help="where to write the scores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tier", choices=("pretrain", "strict"), default="pretrain")
    options = parser.parse_args()
    recipe = load_recipe()
    recipe = Recipe.model_validate(recipe.model_dump() | {"tier": options.tier})
    rows = [row for path in options.again for row in read(path)]
    if options.folders:
        rows += measured(options.folders, recipe, np.random.default_rng(options.seed))
    if options.out:
        options.out.write_text(json.dumps([asdict(row) for row in rows]))
    for folder in dict.fromkeys(row.folder for row in rows):
        show(folder, [row for row in rows if row.folder == folder], recipe)


def read(path: Path) -> list[Row]:
    return [Row(**row | {"scores": ClipScores(**row["scores"])}) for row in json.loads(path.read_text())]


def measured(folders: list[Path], recipe: Recipe, rng: np.random.Generator) -> list[Row]:
    kit = load_kit(Settings.load().assets, recipe)
    heard = (Remembering(kit.whisper), Remembering(kit.dnsmos), Remembering(kit.vad))
    kit = replace(kit, whisper=heard[0], dnsmos=heard[1], vad=heard[2])
    rows: list[Row] = []
    known: dict[str, Clip] = {}  # who was seen before, for a swap
    with kit.landmarker:
        for folder, video in videos(folders):
            source = ingest(Offer(video), recipe.ingest)
            if not isinstance(source, SourceVideo):
                continue
            clips = list(cut(source, kit.landmarker, kit, recipe))
            strangers = [other for person, other in known.items() if person != person_in(video)]
            known |= {person_in(video): clip for clip in clips}
            n = round(25 * source.duration_s)
            covering = Covering(kit.landmarker, n // 3, n, seed=int(rng.integers(2**31)))
            faulty = [pair for clip in clips for pair in planted(clip, strangers, rng)]
            faulty += [("occluded", clip) for clip in cut(source, covering, kit, recipe)]
            faulty += [("mirrored", clip) for clip in cut(source, Mirroring(kit.landmarker), kit, recipe)]
            for fault, clip in faulty:
                found = record_as_it_is(clip, source, recipe, kit)
                rows.append(Row(folder, video.name, fault, found.scores, found.asymmetry.tolist()))
            for model in heard:
                model.forget()
    return rows


def videos(folders: list[Path]) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        found = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES) if folder.is_dir() else [folder]
        yield from ((folder.name if folder.is_dir() else folder.parent.name, path) for path in found)


def cut(source: SourceVideo, finder: FaceFinder, kit: Kit, recipe: Recipe) -> Iterator[Clip]:
    for part in observe(source, finder, recipe.observe):
        yield from candidates(part, recipe, kit, _unheard)[0]


def record_as_it_is(clip: Clip, source: SourceVideo, recipe: Recipe, kit: Kit) -> ClipRecord:
    """Of the clip with nothing mended."""
    moving = Moving.of(clip, recipe, kit, _unheard)
    alone = replace(clip, n_faces=np.ones_like(clip.n_faces))
    seen = Seen.of(alone, moving.motion, kit.head)
    return record_of(moving, SyncScores.of(moving.sync, 0.0, moving.sync), seen, [], source, recipe, kit, _unheard)


def _unheard(_: str) -> None: ...


def planted(clip: Clip, strangers: list[Clip], rng: np.random.Generator) -> Iterator[tuple[str, Clip]]:
    """The clip as it is and with each fault; half of the pictures that stand do so for a third of the clip, half of
    the shifts are early."""
    yield CLEAN, clip
    length = clip.n_frames // int(rng.choice([2, 3]))
    yield "frozen", frozen(clip, int(rng.integers(clip.n_frames - length)), length)
    yield "shifted", late_picture(clip, SHIFT_FRAMES * int(rng.choice([-1, 1])))
    if strangers:
        yield "swapped", swapped(clip, strangers[int(rng.integers(len(strangers)))])


def person_in(video: Path) -> str:
    """Who speaks, by how the folders' files are named: <corpus>_<speaker>_<take>, or <take>_<speaker> of synth."""
    synthetic = SYNTHETIC.fullmatch(video.stem)
    return synthetic[1] if synthetic else video.stem.rpartition("_")[0] if video.stem.count("_") > 1 else video.stem


def show(folder: str, rows: list[Row], recipe: Recipe) -> None:
    judged = [(row, [v.gate for v in judge("", row.scores, recipe.thresholds) if not v.keep]) for row in rows]
    whole = [(row.video, gates) for row, gates in judged if row.fault == CLEAN]
    refused = [gates for _, gates in whole if gates]
    print(f"\n{folder}: {len(whole)} clips, tier {recipe.tier}")
    _line("as they are", "refused", len(refused), len(whole), refused)
    kept = {video for video, gates in whole if not gates}
    for fault in dict.fromkeys(row.fault for row in rows if row.fault != CLEAN):
        gates = [found for row, found in judged if row.fault == fault and row.video in kept]
        _line(fault, "caught", sum(map(bool, gates)), len(gates), gates)
    show_mirrored([row for row in rows if row.video in kept], recipe)


def show_mirrored(rows: list[Row], recipe: Recipe) -> None:
    """What the commit says of clips in a mirror, and of the same as they are, beside the person's other videos."""
    faces: dict[str, dict[str, Float32]] = {}
    for row in rows:
        if row.fault == CLEAN:
            of_person = faces.setdefault(person_in(Path(row.video)), {})
            of_person.setdefault(row.video, np.array(row.asymmetry, np.float32))
    alike: dict[str, list[float]] = {CLEAN: [], "mirrored": []}
    for row in (row for row in rows if row.fault in alike):
        others = [face for video, face in faces[person_in(Path(row.video))].items() if video != row.video]
        measured = likeness(np.array(row.asymmetry, np.float32), others, recipe.mirrors)
        if measured is not None:
            alike[row.fault].append(measured)
    for fault, done in (("mirrored", "caught"), (CLEAN, "refused")):
        count = sum(cosine < recipe.mirrors.min_cosine for cosine in alike[fault])
        name = fault if fault != CLEAN else "as they are"
        _line(f"{name}, at the commit", done, count, len(alike[fault]), [])


def _line(what: str, done: str, count: int, of: int, gates: list[list[str]]) -> None:
    said = ", ".join(f"{gate} {n}" for gate, n in Counter(g for found in gates for g in found).most_common())
    print(f"  {what:26} {count:4} of {of:4} {done:7} {count / max(of, 1):6.1%}  {said}")


if __name__ == "__main__":
    main()
