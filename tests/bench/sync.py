"""The sync model against its issue's table: ``python -m tests.bench.sync [--warehouse W | --data D] [--model FOLDER]``.

Measures, on clips that the model was not trained on: in step against early and late, how near the offset is, planted
offsets, foreign sound, and what it does to clips that are in step. Nothing is written to the warehouse it is given.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from flows.evaluation import EvaluationPlan, evaluate_on, held_out_of
from flows.hearing import open_ear
from flows.judging import open_judging
from flows.performing import SHIPPED
from flows.settings import Settings
from flows.sync_data import clips_of_warehouse, invented_clips
from models.evidence.readout import lips_of
from models.fit.basis import basis_of
from models.fit.replay import replay
from models.head.model import load_open_head
from models.presets import open_model
from models.sync.calibration import MS_PER_FRAME
from models.sync.model import SyncModel, load_default_sync, open_sync
from models.training.checkpoint import read_card
from schemas.sync import SyncReading
from tasks.evaluate.records import Span
from tasks.evaluate.sync import SYNC_MEASURES
from tasks.speaker import SpeakerConfig
from tasks.sync import SyncConfig, shift_of
from tests.bench import sync_scores as scores
from tests.bench.avatar_data import warehouse_for
from tests.bench.curate import DEFAULT_DATA
from tests.bench.sync_scores import Heard, Known
from warehouse.batches import stream_clips
from warehouse.selection import SENTENCES, Selection, select_clips

# Found by two other nets and by a generator that hears well (../shared/notes/audio.md, gen.md); not by this model.
KNOWN_LATE: Final = {"hdtf_aoc": 3.0, "hdtf_katiehill": 3.5, "obama_weekly": 6.0}
SLIPPED: Final = "regexp_matches(path, 'bwbt8p|lrae4p|sbahzp|sgbv8n|srwi5a')"  # s1's clips with frozen pictures
HELD_OUT: Final = "md5_number_lower('sync' || regexp_extract(path, 'grid_s1_([a-z]{4})', 1)) % 100 < 15"
WINDOW_S: Final = (3, 5)
UNSEEN_SPEAKERS: Final = 24
UNSEEN_SEED: Final = 77
_SWAPS: Final = 8
_PAIRS: Final = 200
_FEW: Final = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of videos, curated first")
    source.add_argument("--warehouse", type=Path, help="an already curated one")
    parser.add_argument("--model", type=Path, help="a folder that train-sync wrote; default: the one that ships")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    model = open_sync(options.model) if options.model else load_default_sync()
    with tempfile.TemporaryDirectory() as folder:
        root = warehouse_for(options.data, options.warehouse, Path(folder), options.workers)
        groups = groups_of(root, Settings.load().assets)
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
        for name, clips in groups.items():
            show(name, model, clips)
        print(f"\n{generated(options.model, root, Settings.load().assets)}\n{cost(model, groups)}")


def groups_of(root: Path, assets: Path) -> dict[str, list[Known]]:
    """Clips of speakers, or of sentences, that the shipped model was not trained on."""
    others = _named(root, "path NOT LIKE '%grid_s1%'")
    invented = invented_clips(root, assets, UNSEEN_SPEAKERS, UNSEEN_SEED)
    return {
        "GRID, five unseen speakers": [k for k in others if k.name.startswith("grid")],
        "HDTF and one address, unseen speakers, known offsets taken off": [
            k for k in others if not k.name.startswith("grid")
        ],
        "all unseen real speakers": others,
        "GRID s1, unseen sentences": _named(root, f"path LIKE '%grid_s1%' AND NOT {SLIPPED} AND {HELD_OUT}"),
        "GRID s1, slipped pictures": _named(root, SLIPPED),
        "invented speakers, unseen": [Known(f"invented-{k}", invented.clip(k)) for k in range(invented.n_clips)],
    }


def _named(root: Path, where: str) -> list[Known]:
    selected = select_clips(root, Selection(where=where, holdout="true"))
    basis = basis_of(load_open_head())
    heard = {
        clip.row.clip_id: Heard(lips_of(replay(basis, clip.motion).points), np.array(clip.speech.embedding))
        for clip in stream_clips(root, selected)
    }
    clips = []
    for row in selected.clips:
        one = type(selected)(selected.selection, selected.snapshot, (row,))
        found = clips_of_warehouse(root, one, SENTENCES, "val", "test")
        if found is not None:
            late = KNOWN_LATE.get(row.path.stem, 0.0) - row.sync_shift_ms / MS_PER_FRAME
            clips.append(Known(row.path.stem, found.clip(0), late, heard[row.clip_id]))
    return clips


def show(name: str, model: SyncModel, clips: Sequence[Known]) -> None:
    print(f"{name}: {len(clips)} clips")
    for seconds in WINDOW_S:
        windows = scores.shifted(model, clips, 25 * seconds)
        if windows is None:
            continue
        told = windows.take(windows.stated > 0)
        print(f"  {seconds} s, {len(windows.late)} windows, offset stated in {windows.stated.mean():.0%}")
        print(f"    in step against {scores.SHIFTS} frames, AUC  {scores.over_clips(windows, scores.auc)}")
        for frames in (1, 2):
            share = scores.over_clips(windows, partial(scores.within, frames=frames))
            of_told = f"{scores.within(told, frames):.3f}" if told.late.size else "-"
            print(f"    offset within {frames} frames {share}; of those stated {of_told}")
        if len(clips) > 2:
            strange = scores.swapped(model, clips, 25 * seconds, _SWAPS)
            caught, alone = (scores.over_clips(strange, by) for by in (scores.caught, scores.caught_alone))
            print(f"    foreign sound caught at {scores.FALSE_ALARMS:.0%} false alarms {caught}; by this alone {alone}")
            print(f"    two faces, {scores.speakers(model, clips, 25 * seconds, _PAIRS, SpeakerConfig())}")
    late = [sign * ms for ms in scores.PLANTED_MS for sign in (1, -1)]
    errors = np.abs(scores.planted(model, clips, late))
    print(
        f"  whole clips, planted {scores.PLANTED_MS} ms: within a frame of the clip as it is {(errors <= 1).mean():.3f}"
    )
    errors = np.abs(scores.planted(model, clips, [scores.LATE_MS]))
    print(f"  whole clips, {scores.LATE_MS:.0f} ms late: within two frames {(errors <= 2).mean():.3f}")
    print(f"  whole clips as they are: {as_they_are(model, clips)}")
    for known in clips if len(clips) < _FEW else ():
        reading = _whole(model, known)
        print(
            f"    {known.name:20s} offset {reading.offset_ms:6.0f} ms (known {known.late_frames * MS_PER_FRAME:.0f}), "
            f"drift {reading.drift_ms:5.0f}, confidence {reading.confidence:.2f}, in sync {reading.p_in_sync:.2f}, "
            f"match {_match(reading, known):.2f}, {reading.p_match:.2f} by this alone"
        )


def as_they_are(model: SyncModel, clips: Sequence[Known]) -> str:
    """What curation does to them: for clips that are in step, anything but "left alone" is harm."""
    config = SyncConfig()
    readings = [_whole(model, known) for known in clips]
    moved = sum(shift_of(reading, config) != 0 for reading in readings)
    drifting = sum(abs(reading.drift_ms) > config.most_drift_ms for reading in readings)
    unknown = sum(np.isnan(reading.offset_ms) for reading in readings)
    matches = [_match(reading, known) for reading, known in zip(readings, clips, strict=True)]
    return (
        f"moved {moved}, drifting {drifting}, offset unknown {unknown}; 5th percentile of p_in_sync "
        f"{np.quantile([r.p_in_sync for r in readings], 0.05):.3f}, of p_match {np.quantile(matches, 0.05):.3f}"
    )


def _whole(model: SyncModel, known: Known) -> SyncReading:
    return model.calibration.reading(model.products(known.clip.mouth, known.clip.sound))


def _match(reading: SyncReading, known: Known) -> float:
    found = scores.correlation(known, 0, known, known.late_frames, len(known.clip.mouth))
    return scores.p_match_of(reading.p_match, found)


def generated(folder: Path | None, root: Path, assets: Path) -> str:
    """The default avatar speaks clips that this model was not trained on, as `xtalker evaluate` judges it."""
    card, head = read_card(SHIPPED), load_open_head()
    unheard = f"path NOT LIKE '%grid_s1%' OR ({HELD_OUT} AND NOT {SLIPPED})"
    selected = select_clips(root, Selection(holdout=unheard))
    plan = EvaluationPlan(splits=(SENTENCES, "val", "test"), max_training_clips=40)
    ear, judging = open_ear(assets, card.speech_model), open_judging(held_out_of(selected, plan), folder)
    found = evaluate_on(root, open_model(SHIPPED), ear, selected, plan, head, judging.judge)
    scores = [s for s in found.scores if s.metric in SYNC_MEASURES and s.span is Span.SPEECH]
    lines = [
        f"  {s.split.value:30s} {s.row.value:18s} {s.metric:20s} {s.value:7.2f} [{s.low:.2f}, {s.high:.2f}] {s.n_clips}"
        for s in scores
    ]
    return "\n".join(["spoken by the default avatar:", *lines, *judging.facts.values()])


def cost(model: SyncModel, groups: dict[str, list[Known]]) -> str:
    clips = [known.clip for known in groups["GRID s1, unseen sentences"]]
    began = time.process_time()
    for clip in clips:
        model.calibration.reading(model.products(clip.mouth, clip.sound))
    spent = time.process_time() - began
    seconds = sum(len(clip.mouth) for clip in clips) / 25
    return f"reading costs {1000 * spent / seconds:.1f} ms of processor time a second of clip, features apart"


if __name__ == "__main__":
    main()
