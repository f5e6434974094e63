"""The reconstruction against its issue's table: ``python -m tests.bench.recon --seed N``, what `make bench-recon` runs.

Heads whose motion is known are fitted from their own landmarks, and from videos of them that curation saw; real 512 px
clips are fitted from what it saw of them. The rival fits the same head to the same landmarks with Adam, every frame for
itself, in the same run. Each seed is other people, sentences, light and cameras.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch

from models.fit.basis import LandmarkBasis
from models.fit.settings import FitSettings
from models.fit.solve import Fit, fit_landmarks
from models.head.model import load_open_head
from schemas.units import N_LANDMARKS
from tasks.reconstruct import motion_of
from tests.bench.recon_data import REAL, Case, exact_cases, made_cases, real_cases
from tests.bench.recon_rival import adam_fit
from tests.bench.recon_scores import Errors, Reprojection, errors, reprojection
from tests.bench.recon_table import Row, show

T = TypeVar("T")
Solver = Callable[[LandmarkBasis, Case], Fit]

SETTINGS: Final = FitSettings()
HEAD: Final = load_open_head()
BASIS: Final = LandmarkBasis.of(HEAD)
HELD_OUT: Final = np.arange(0, N_LANDMARKS, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=24, help="speakers, each with one clip, of either made kind")
    parser.add_argument("--seconds", type=float, default=2.4, help="length of the made clips")
    parser.add_argument("--data", type=Path, default=REAL, help="folder of real clips; skipped if it is not there")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that make videos")
    options = parser.parse_args()
    torch.set_num_threads(1)
    solvers: list[Solver] = [ours, rival]
    with tempfile.TemporaryDirectory() as folder:
        exact = exact_cases(options.seed, options.clips, options.seconds, SETTINGS.focal_ratio)
        made = made_cases(options.seed, options.clips, options.seconds, Path(folder), options.workers)
    real = real_cases(options.data)
    rows = [*exact_rows(exact, solvers), *made_rows(made, solvers)]
    rows += [*real_rows(real, solvers), *speed_rows((real or made)[:2], solvers)]
    for name, cases in (("exact", exact), ("made", made), ("real", real)):
        print(f"{name:6}{len(cases):3} clips, {sum(len(c.present) for c in cases)} frames")
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, seed {options.seed}\n")
    show(rows)


def ours(basis: LandmarkBasis, case: Case) -> Fit:
    return fit_landmarks(basis, pixels_of(case, basis), case.present, case.image_size, SETTINGS)


def rival(basis: LandmarkBasis, case: Case) -> Fit:
    return adam_fit(basis, pixels_of(case, basis), case.image_size, SETTINGS)


def exact_rows(cases: Sequence[Case], solvers: Sequence[Solver]) -> list[Row]:
    found = [[_errors(solver, case) for case in cases] for solver in solvers]
    title = "exact landmarks, focal length as assumed"
    return [
        Row(f"{title}: vertex", "mm", 0.5, 0.25, *_means(found, lambda e: e.vertex_mm)),
        Row("  jaw", "deg", 0.2, 0.05, *_means(found, lambda e: e.jaw_deg)),
        Row("  dynamic rotation", "deg", 0.3, 0.1, *_means(found, lambda e: e.dynamic_deg)),
    ]


def made_rows(cases: Sequence[Case], solvers: Sequence[Solver]) -> list[Row]:
    found = [[_errors(solver, case) for case in cases] for solver in solvers]
    return [
        Row("made videos through MediaPipe: vertex", "mm", 2.6, 1.6, *_means(found, lambda e: e.vertex_mm)),
        Row("  lips", "mm", 2.2, 1.2, *_means(found, lambda e: e.lips_mm)),
        Row("  jaw", "deg", 1.5, 1.0, *_means(found, lambda e: e.jaw_deg)),
        Row("  rotation", "deg", 3.0, 2.0, *_means(found, lambda e: e.rotation_deg)),
    ]


def real_rows(cases: Sequence[Case], solvers: Sequence[Solver]) -> list[Row]:
    if not cases:
        return []
    found = [[_reprojection(solver, case) for case in cases] for solver in solvers]
    return [
        Row("real 512 px clips: reprojection", "%", 1.2, 0.9, *_means(found, lambda r: r.all_landmarks)),
        Row("  lips", "%", 1.0, 0.7, *_means(found, lambda r: r.lips)),
        Row("  held-out third", "%", 1.4, 1.0, *_means(found, lambda r: r.held_out)),
        Row("  lip-gap correlation", "", 0.97, 0.985, *_means(found, lambda r: r.lip_gap_correlation), more=True),
    ]


def speed_rows(cases: Sequence[Case], solvers: Sequence[Solver]) -> list[Row]:
    """Frames a second of this process' processor time; OMP_NUM_THREADS=1 keeps it on one core."""
    speeds = []
    for solver in solvers:
        begun = time.process_time()
        for case in cases:
            solver(BASIS, case)
        speeds.append(sum(len(case.present) for case in cases) / (time.process_time() - begun))
    return [Row("landmark fit alone", "frames a CPU-second", 120, 300, *speeds, more=True, digits=0)]


def pixels_of(case: Case, basis: LandmarkBasis) -> np.ndarray:
    """The landmarks that ``basis`` has."""
    return np.ascontiguousarray(case.landmarks[:, basis.number, :2])


def _errors(solver: Solver, case: Case) -> Errors:
    assert case.truth is not None
    return errors(motion_of(case.name, HEAD, BASIS, solver(BASIS, case)), case.truth, HEAD)


def _reprojection(solver: Solver, case: Case) -> Reprojection:
    rest = BASIS.part(np.setdiff1d(np.arange(N_LANDMARKS), HELD_OUT))
    return reprojection(solver(BASIS, case), solver(rest, case), HELD_OUT, BASIS, case)


def _means(found: Sequence[Sequence[T]], figure: Callable[[T], float]) -> tuple[float, float, float]:
    """Ours, the rival's, and the standard error of ours: another seed is other people."""
    mine, theirs = (np.array([figure(one) for one in row]) for row in found)
    return float(mine.mean()), float(theirs.mean()), float(mine.std(ddof=1) / np.sqrt(len(mine)))


if __name__ == "__main__":
    main()
