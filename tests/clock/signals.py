"""What is put into a file so that it can be told afterwards when it came out: numbered pictures, and chirps."""

from typing import Final

import numpy as np

from schemas.arrays import Float32, UInt8
from schemas.units import SAMPLE_RATE

HEIGHT: Final = 96
WIDTH: Final = 160
_CELL: Final = 16  # pixels, as a macroblock
_N_BITS: Final = 8
_LEFT: Final = 16
_TOP: Final = 32
_GREY: Final = 120
CHIRP_S: Final = 0.008
_CHIRP_HZ: Final = (600.0, 3000.0)  # within what a telephone passes on, so that 8 kHz holds it
_REACH_S: Final = 0.2  # how far from where it should be a chirp is looked for


def numbered_picture(number: int) -> UInt8:
    """[96, 160, 3]: ``number``, below 256, as black and white cells in Gray code, so that one cell at a time changes;
    each cell has its negative below it."""
    picture = np.full((HEIGHT, WIDTH, 3), _GREY, np.uint8)
    code = number ^ number >> 1
    for bit in range(_N_BITS):
        left = _LEFT + bit * _CELL
        value = 235 if code >> bit & 1 else 20
        picture[_TOP : _TOP + _CELL, left : left + _CELL] = value
        picture[_TOP + _CELL : _TOP + 2 * _CELL, left : left + _CELL] = 255 - value
    return picture


def number_of(picture: UInt8) -> int:
    """The number in a decoded, upright picture; -1 if it cannot be read."""
    grey = picture.astype(np.float32).mean(axis=2)
    code = 0
    for bit in range(_N_BITS):
        left = _LEFT + bit * _CELL
        cells = grey[_TOP : _TOP + 2 * _CELL, left + 4 : left + _CELL - 4]
        difference = float(cells[4 : _CELL - 4].mean() - cells[_CELL + 4 : -4].mean())
        if abs(difference) < 60:
            return -1
        code |= int(difference > 0) << bit
    number = 0
    while code:
        number ^= code
        code >>= 1
    return number


def chirps(at_s: list[float], rate: int, start_s: float, n_samples: int) -> Float32:
    """[n_samples] at ``rate``, the first heard at ``start_s``: silence, and a chirp that begins at each of ``at_s``."""
    t = start_s + np.arange(n_samples) / rate
    return np.sum([_chirp(t - begin) for begin in at_s], axis=0, initial=0.0, dtype=np.float64).astype(np.float32)


def _chirp(t: np.ndarray) -> np.ndarray:
    inside = (t >= 0) & (t <= CHIRP_S)
    low, high = _CHIRP_HZ
    phase = 2 * np.pi * (low * t + (high - low) * t**2 / (2 * CHIRP_S))
    return np.where(inside, 0.6 * np.sin(np.pi * t / CHIRP_S) ** 2 * np.sin(phase), 0.0)


def chirp_error_s(sound: Float32, at_s: float) -> float | None:
    """How much later than ``at_s`` the chirp in ``sound`` [S], 16 kHz, begins; None if there is none within 0.2 s."""
    reference = _chirp(np.arange(round(CHIRP_S * SAMPLE_RATE)) / SAMPLE_RATE)
    centre, reach = round(at_s * SAMPLE_RATE), round(_REACH_S * SAMPLE_RATE)
    first, last = max(0, centre - reach), min(len(sound), centre + reach + len(reference))
    match = np.abs(np.correlate(sound[first:last].astype(np.float64), reference, mode="valid"))
    best = int(match.argmax())
    if match[best] < 0.2 * np.square(reference).sum():
        return None
    return (first + best + _vertex(match[best - 1 : best + 2])) / SAMPLE_RATE - at_s


def _vertex(three: np.ndarray) -> float:
    """Where, from the middle one, the parabola through three values has its top."""
    if len(three) < 3:
        return 0.0
    curvature = three[0] - 2 * three[1] + three[2]
    return float(0.5 * (three[0] - three[2]) / curvature) if curvature else 0.0
