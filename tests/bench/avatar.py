"""The avatar against its issue's table: ``python -m tests.bench.avatar [--paper] [--seeds N] [--quick]``.

Trains on speaker s1 of GRID within so many minutes of processor time, performs sentences and speakers that were never
trained on, and prints what must be, what is aimed at and what was measured. Nothing is written to the warehouse it is
given: it works on a copy.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from flows.packs import MixtureConfig
from flows.settings import Settings
from models.presets import Preset
from tasks.evaluate.records import EvaluateConfig
from tests.bench import avatar_scores as rows
from tests.bench import avatar_speed as speed
from tests.bench.avatar_data import AUDIT, Sync, audit, load_clips, mean_correlation, of_s1, warehouse_for
from tests.bench.avatar_runs import Job, Run, carry_out, packs_of, untrained
from tests.bench.avatar_table import Section, show
from tests.bench.curate import DEFAULT_DATA
from warehouse.selection import SelectedClips

QUICK_MINUTES: Final = 0.35


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        root = warehouse_for(options.data, options.warehouse, scratch, options.workers)
        sections = bench(root, Settings.load().assets, scratch, options)
    print(f"\nload average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    show(sections)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of videos, curated first")
    source.add_argument("--warehouse", type=Path, help="an already curated one")
    parser.add_argument("--minutes", type=float, default=30.0, help="processor time of each training, packing included")
    parser.add_argument("--paper", action="store_true", help="train the rival too, with the same budget")
    parser.add_argument("--seeds", type=int, default=1, help="trainings on each split")
    parser.add_argument("--splits", type=int, default=1, help="ways to hold sentences out")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time, each on one core")
    copies, synthetic = MixtureConfig().copies, MixtureConfig().synthetic_speakers
    parser.add_argument("--copies", type=int, default=copies, help="of every clip, heard differently")
    parser.add_argument("--synthetic", type=int, default=synthetic, help="invented speakers")
    parser.add_argument("--no-speed", action="store_true", help="leave the speeds out")
    parser.add_argument("--no-training", action="store_true", help="measure the speeds alone")
    parser.add_argument("--quick", action="store_true", help="a smoke test of some minutes: its scores mean nothing")
    options = parser.parse_args()
    if options.quick:
        options.minutes, options.copies, options.synthetic = QUICK_MINUTES, 0, 0
    if options.warehouse is None and not options.data.is_dir():
        sys.exit(f"{options.data}: no such folder; give one with --data")
    return options


def bench(root: Path, assets: Path, scratch: Path, options: argparse.Namespace) -> list[Section]:
    quick, jobs = options.quick, []
    presets = [Preset.SMALL, Preset.PAPER] if options.paper else [Preset.SMALL]
    mixture = MixtureConfig(copies=options.copies, synthetic_speakers=options.synthetic)
    packing_s = 0.0
    for split in range(options.splits):
        first = Job(
            root=root,
            assets=assets,
            scratch=scratch,
            preset=Preset.SMALL,
            salt=str(split) if split else "",
            seed=0,
            budget_s=60 * options.minutes,
            packing_s=0.0,
            mixture=mixture,
            quick=quick,
            measures=measures_of(Preset.SMALL, quick),
        )
        begun = time.process_time()
        selected, packs = packs_of(root, assets, first.plan)
        # What later splits find packed already, invented speakers say, has cost the first its time.
        packing_s = max(packing_s, time.process_time() - begun)
        jobs += [
            replace(
                first,
                scratch=scratch / f"{preset}-{split}-{seed}",
                preset=preset,
                seed=seed,
                packing_s=packing_s,
                measures=measures_of(preset, quick),
            )
            for preset in presets
            for seed in range(options.seeds)
        ]
    clips = load_clips(root, selected, packs.ear)
    sections = []
    if not options.no_training:
        runs = carry_out(jobs, options.workers)
        sections += quality(runs, selected, audit(selected, clips))
        if options.paper:
            ours, paper = (scores_of(runs, preset) for preset in presets)
            model, rival = (untrained(preset, packs) for preset in presets)
            faster = speed.against_paper(model, rival, clips, quick)
            sections.append(rows.against_paper(ours, paper, of_s1(selected, held_out(runs)), faster))
    if not options.no_speed:
        sections.append(speed.section(root, assets, selected, clips, scratch, quick))
    return sections


def measures_of(preset: Preset, quick: bool) -> EvaluateConfig:
    """The rival's sampler takes seconds a clip: one performance of each, where ours makes three."""
    if quick:
        return EvaluateConfig(seeds=(0,), steps=2)
    return EvaluateConfig(seeds=(0,)) if preset is Preset.PAPER else EvaluateConfig()


def held_out(runs: Sequence[Run]) -> list[str]:
    """Every clip that some training was measured on."""
    return sorted({a.clip_id for run in runs for a in run.evaluation.audits})


def scores_of(runs: Sequence[Run], preset: Preset) -> rows.Scores:
    return rows.Scores([run.evaluation for run in runs if run.preset is preset])


def quality(runs: Sequence[Run], selected: SelectedClips, synced: dict[str, Sync]) -> list[Section]:
    for run in runs:
        print(run)
    scores = scores_of(runs, Preset.SMALL)
    ids = held_out(runs)
    s1 = of_s1(selected, ids)
    strange = [clip_id for clip_id in ids if clip_id not in set(s1)]
    good = [clip_id for clip_id in s1 if synced[clip_id].good]
    bad = [synced[clip_id] for clip_id in s1 if not synced[clip_id].good]
    elsewhere = [sync for clip_id, sync in synced.items() if clip_id not in set(s1) and not sync.good]
    print(f"\n{AUDIT}")
    print(f"Mean correlation over all {len(synced)}: {mean_correlation(list(synced.values())):.2f}.")
    print(f"Out among the {len(s1)} held-out clips, {len(bad)}: {', '.join(map(str, bad)) or 'none'}")
    print(f"Out among those trained on, {len(elsewhere)}: {', '.join(map(str, elsewhere)) or 'none'}")
    return [
        rows.sentences(scores, s1, "s1 held-out sentences, speech span, all clips"),
        rows.sentences(scores, good, "s1 held-out sentences, speech span, clips in sync by the audit"),
        rows.strangers(scores, strange),
        rows.neighbours(scores, s1),
        rows.spreads(scores, s1, strange),
    ]


if __name__ == "__main__":
    main()
