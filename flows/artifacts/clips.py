"""Kept and refused, clip by clip."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from flows.artifacts.counts import Row
from flows.artifacts.markdown import code, plain, shortened
from warehouse.changes import Judged

MOST_ROWS: Final = 200
_LONGEST_NAME: Final = 30  # a page has room for ten rows and some hundred characters across
_CLIP_DIGITS: Final = 10  # `xtalker why` and `show` know a clip by them


def clip_rows(judged: Sequence[Judged]) -> list[Row]:
    """A row each, in their order; the UI shows cells as text, so nothing is escaped."""
    return [
        {
            "file": shortened(plain(PurePath(row.path).name), _LONGEST_NAME),
            "clip": "none" if row.clip_id is None else row.clip_id[:_CLIP_DIGITS],
            "verdict": "kept" if row.keep else row.reason,
            "against": _against(row),
            "face, px": _number(row.face_px),
            "SNR, dB": _number(row.snr_db),
            "DNSMOS": _number(row.dnsmos_ovrl),
            "fit, %": _number(row.recon_nme),
        }
        for row in judged
    ]


def clips_described(shown: int, total: int, before: int | None, after: int) -> str:
    """Which rows these are, and the query for all."""
    said = (
        "Clips of this run, and files that gave none: refused ones first, by how far they missed; then kept ones, the "
        "worst fit (landmark error over eye distance) first. *against*: what was measured / the threshold. "
    )
    more = f"**{total - shown} more** are not in this table. " if total > shown else ""
    new = "" if before is None else f" anti join (from clips at (version => {before})) using (clip_id, keep)"
    sql = f'xtalker sql --at {after} "from clip_sources{new}"'
    return f"{said}{more}All clips: {code(sql, len(sql))}. One of them, or a file: {code('xtalker why CLIP')}."


def _against(row: Judged) -> str:
    if row.measured is None or row.threshold is None:
        return ""
    return f"{_number(row.measured)} / {_number(row.threshold)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
