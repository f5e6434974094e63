"""Keyframes that people write: CSV files, and curves through the keys."""

import csv
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from schemas.arrays import Float32
from schemas.units import FRAME_RATE

TIME: Final = "time_s"
_MAX_ROWS: Final = 100_000


class BadControl(ValueError):
    """A control that a person wrote cannot be understood; the message says where and what is wanted."""


def read_keys(
    path: Path, required: Sequence[str] = (), optional: Mapping[str, float] | None = None
) -> tuple[Float32, dict[str, Float32]]:
    """Times [K] in seconds and the other columns [K] of a CSV with a header line.

    ``optional`` columns that the file lacks have the value given there. Raises ``BadControl`` naming file and line.
    """
    optional = optional or {}
    known = (TIME, *required, *optional)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            unknown = [name for name in header if name not in known]
            missing = [name for name in (TIME, *required) if name not in header]
            if unknown or missing or len(set(header)) != len(header):
                said = f"unknown {unknown}" if unknown else f"missing {missing}" if missing else "a column twice"
                raise BadControl(f"{path}: columns are {', '.join(known)}; {said}")
            rows = [_numbers(path, reader.line_num, row, len(header)) for row in reader if any(c.strip() for c in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadControl(f"{path}: cannot be read as CSV ({error})") from error
    if not rows or len(rows) > _MAX_ROWS:
        raise BadControl(f"{path}: has {len(rows)} keyframes, wanted 1 to {_MAX_ROWS}")
    table = np.array(rows, np.float32)
    columns = {name: table[:, k] for k, name in enumerate(header)}
    filled = {name: np.full(len(table), value, np.float32) for name, value in optional.items()}
    times_s = columns.pop(TIME)
    return times_s, filled | columns


def _numbers(path: Path, line: int, row: list[str], width: int) -> list[float]:
    try:
        values = [float(cell) for cell in row]
    except ValueError as error:
        raise BadControl(f"{path}:{line}: {error}") from error
    if len(values) != width or not np.isfinite(values).all():
        raise BadControl(f"{path}:{line}: wanted {width} finite numbers, got {', '.join(row)}")
    return values


def frame_times(n_frames: int, rate: Fraction = FRAME_RATE) -> Float32:
    """[T] seconds at which frames are shown."""
    return np.asarray(np.arange(n_frames) / float(rate), np.float32)


def through_keys(times_s: Float32, values: Float32, at_s: Float32) -> Float32:
    """[T, D] a curve through ``values`` [K, D] without overshoot (PCHIP, Fritsch and Butland 1984), still past the
    ends."""
    if len(times_s) == 1:
        return np.repeat(values, len(at_s), axis=0)
    from scipy.interpolate import PchipInterpolator  # half a second to import, which few performances need

    inside = np.clip(at_s, times_s[0], times_s[-1])
    return np.asarray(PchipInterpolator(times_s, values, axis=0)(inside), np.float32)
