"""Finding the same sound twice, though it was cut, scaled or encoded again.

Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002: every 11.6 ms a 32-bit word whose bits
say whether the energy difference of neighbouring bands grew; copies agree in most bits and in some whole words, by
which candidates are found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from schemas.arrays import Float32, UInt32
from schemas.config import StageConfig
from schemas.units import SAMPLE_RATE

VERSION = "1"

HOP_S: Final = 186 / SAMPLE_RATE
NOTHING: Final = np.uint32(0)  # the word of an instant with nothing to tell it by: it matches nothing

_DECIMATION: Final = 3  # to 5.3 kHz, as the paper: bands end at 2 kHz
_FFT: Final = 2048  # 0.38 s
_HOP: Final = 62
_BAND_EDGES_HZ: Final = np.geomspace(300.0, 2000.0, 34)
_QUIET: Final = 1e-4  # of the clip's loudest instant, in power
_SILENT: Final = 1e-9  # mean square of band-limited sound
_STEADY: Final = 1e-2  # relative change of the bands below which a frame is a steady tone or hum
_COMMON_WORD: Final = 256  # words found in more places tell nothing
_CANDIDATE_OFFSETS: Final = 4  # alignments tried per pair, most shared words first
_BITS: Final = (np.uint32(1) << np.arange(32, dtype=np.uint32)).astype(np.uint32)


class DuplicateConfig(StageConfig):
    """Copies encoded again, noisy ones too, differ in 3 to 20 % of the bits; of 45,000 pairs of sentences by one
    speaker the closest in 37 %."""

    max_bit_error_rate: float = Field(0.25, gt=0, lt=0.5, description="of the overlap; unrelated sound differs in half")
    min_overlap_s: float = Field(1.0, gt=0, description="a shorter overlap, silence left out, proves nothing")


@dataclass(frozen=True, slots=True)
class Match:
    """Two sounds that are one. ``offset_s`` is where the other's start lies on the first's clock."""

    name: str
    other: str
    bit_error_rate: float  # 0 identical, 0.5 unrelated
    overlap_s: float
    offset_s: float


def fingerprint(audio: Float32) -> UInt32:
    """Sub-fingerprints of ``audio`` [S], 16 kHz mono, every ``HOP_S``; [K], empty below 0.4 s. Silent and steady
    instants are ``NOTHING``."""
    from scipy import signal  # a second to import, which planning a run need not wait for

    narrow = signal.resample_poly(audio, 1, _DECIMATION).astype(np.float32)
    if narrow.size < _FFT + _HOP:
        return np.zeros(0, np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(narrow, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FFT).astype(np.float32), axis=1)) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(_FFT, _DECIMATION / SAMPLE_RATE), _BAND_EDGES_HZ)
    bands = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    contrast = -np.diff(bands, axis=1)
    growth = np.diff(contrast, axis=0)
    words: UInt32 = ((growth > 0) * _BITS).sum(axis=1, dtype=np.uint32)
    loudness = bands.sum(axis=1)[1:]
    silent = loudness <= max(_QUIET * float(loudness.max()), _SILENT * _FFT * _FFT)
    steady = np.abs(growth).sum(axis=1) <= _STEADY * loudness
    words[silent | steady] = NOTHING
    return words


def bit_error_rate(a: UInt32, b: UInt32, offset: int) -> tuple[float, int]:
    """Share of differing bits where both have words, ``b`` laid ``offset`` words later than ``a``, and the number of
    such words; (0.5, 0) where there are none."""
    start, stop = max(offset, 0), min(a.size, offset + b.size)
    ours, theirs = a[start:stop], b[start - offset : stop - offset]
    both = (ours != NOTHING) & (theirs != NOTHING)
    n_words = int(both.sum())
    if not n_words:
        return 0.5, 0
    return float(np.bitwise_count(ours[both] ^ theirs[both]).sum()) / (32 * n_words), n_words


def find_duplicates(new: Mapping[str, UInt32], known: Mapping[str, UInt32], config: DuplicateConfig) -> list[Match]:
    """Every pair of one of ``new`` with one of ``known``, or with one before it in ``new``, that sounds the same, at
    its best alignment; in the order of ``new``, best first.

    Names in both are compared once, as new. Cost grows with the shared words, not with the pairs.
    """
    names = [*(n for n in known if n not in new), *new]
    prints = [new[n] if n in new else known[n] for n in names]
    best: dict[tuple[int, int], Match] = {}
    for index, other, offset in _candidates(prints, len(names) - len(new)):
        rate, n_words = bit_error_rate(prints[index], prints[other], offset)
        if rate > config.max_bit_error_rate or n_words * HOP_S < config.min_overlap_s:
            continue
        pair = index, other
        if pair not in best or rate < best[pair].bit_error_rate:
            best[pair] = Match(names[index], names[other], rate, n_words * HOP_S, offset * HOP_S)
    return [best[pair] for pair in sorted(best, key=lambda pair: (pair[0], best[pair].bit_error_rate))]


def _candidates(prints: list[UInt32], first_new: int) -> Iterator[tuple[int, int, int]]:
    """(new, earlier, offset) of pairs that share words, the likeliest offsets of each pair."""
    if not prints:
        return
    words = np.concatenate(prints)
    owner = np.repeat(np.arange(len(prints)), [p.size for p in prints])
    place = np.concatenate([np.arange(p.size) for p in prints])
    order = np.argsort(words, kind="stable")
    order = order[words[order] != NOTHING]
    ranked = words[order]
    queries = np.flatnonzero((owner >= first_new) & (words != NOTHING))
    low = np.searchsorted(ranked, words[queries], "left")
    count = np.searchsorted(ranked, words[queries], "right") - low
    count[count > _COMMON_WORD] = 0
    query = np.repeat(queries, count)
    hit = order[np.repeat(low, count) + _ramps(count)]
    earlier = owner[hit] < owner[query]
    query, hit = query[earlier], hit[earlier]
    votes = np.stack([owner[query], owner[hit], place[query] - place[hit]], axis=1)
    alignments, n_votes = np.unique(votes, axis=0, return_counts=True)
    by_votes = np.lexsort((-n_votes, alignments[:, 1], alignments[:, 0]))
    alignments = alignments[by_votes]
    pair_opens = np.flatnonzero(np.any(np.diff(alignments[:, :2], axis=0, prepend=-1) != 0, axis=1))
    sizes = np.diff(np.append(pair_opens, len(alignments)))
    for index, other, offset in alignments[_ramps(sizes) < _CANDIDATE_OFFSETS]:
        yield int(index), int(other), int(offset)


def _ramps(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, .. c - 1 for each c of ``counts``, in one array."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - counts, counts)
