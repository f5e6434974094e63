"""How exactly time passes from file to clip: ``python -m tests.bench.clock``, what `make bench-clock` runs.

Makes every file of the torture set (``tests.clock.cases``), takes it through ingest, observe, shots, tracks and clips,
and prints by family how far chirps and pictures lie from where they belong: chirps against the instant they were
written to, pictures against the nearest possible one (``tests.clock.measure.errors_of``). Ends with 1 if a bound is
broken. ``--all`` prints every file.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from tests.clock.cases import CASES
from tests.clock.measure import Errors, clips_of, errors_of
from tests.clock.written import Case

P95_MS, MAX_MS = 5.0, 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="a line for every file")
    options = parser.parse_args()
    print(
        f"{'':34} {'files':>5}"
        f" {'chirps':>6} {'p95':>5} {'max ms':>6} {'frames':>7} {'p95':>5} {'max ms':>6} {'lost':>4}"
    )
    told: list[Errors] = []
    for (family, tells), cases in groupby(CASES, key=lambda case: (case.family, case.tells)):
        measured = [(case, _measured(case)) for case in cases]
        if options.all:
            for case, errors in measured:
                _print(f"  {case.name}", [errors])
        _print(family, [errors for _, errors in measured])
        if tells:
            told += [errors for _, errors in measured]
    _print("all but what the writer lost", told)
    broken = any(errors.lost for errors in told)
    for kind in ("chirp", "picture"):
        ms = 1000 * np.abs(np.concatenate([getattr(errors, kind) for errors in told]))
        p95, largest = float(np.percentile(ms, 95)), float(ms.max())
        print(f"{kind}s: p95 {p95:.2f} ms (bound {P95_MS:g}), max {largest:.2f} ms (bound {MAX_MS:g})")
        broken |= p95 > P95_MS or largest > MAX_MS
    if broken:
        sys.exit(1)


def _measured(case: Case) -> Errors:
    with tempfile.TemporaryDirectory() as folder:
        path, truth = case.make(Path(folder))
        return errors_of(clips_of(path), truth)


def _print(name: str, errors: Sequence[Errors]) -> None:
    cells = []
    for values in ([abs(v) for e in errors for v in e.chirp], [v for e in errors for v in e.picture]):
        ms = 1000 * np.array(values)
        cells += [len(ms), np.percentile(ms, 95) if len(ms) else np.nan, ms.max(initial=0.0)]
    lost = sum(e.lost for e in errors)
    row = "{:6d} {:5.2f} {:6.2f} {:7d} {:5.2f} {:6.2f}".format(*cells)
    print(f"{name:34} {len(errors):5d} {row} {lost:4d}", flush=True)


if __name__ == "__main__":
    main()
