"""The report of an evaluation: one page that needs nothing but the films beside it, and the numbers as files.

``report.html`` prints the warnings before the table. ``evaluation.json`` holds every cell, ``per_clip.csv`` every clip.
"""

import csv
import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from models.head.model import HeadModel, load_open_head
from tasks.evaluate.film import Soundtrack, film
from tasks.evaluate.measure import COLUMN, METRICS
from tasks.evaluate.page import page
from tasks.evaluate.plots import errors_per_clip, head_spectra, lip_gaps
from tasks.evaluate.records import Evaluation, Played, Row, Span

_CURVES: Final = (0.1, 0.5, 0.9)  # which clips are drawn: nearly the best, the median, nearly the worst


def write_report(
    evaluation: Evaluation,
    folder: Path,
    films: Sequence[Soundtrack] = (),
    facts: Mapping[str, str] | None = None,
    head: HeadModel | None = None,
) -> Path:
    """Write the report into ``folder``, made if absent; the page's path. ``films`` names the clips to render and brings
    their sound; ``facts`` is what is known of the model, printed as it is. ``head`` is the open head if not given.

    Raises ``KeyError`` for a film of a clip that was not evaluated; ``EncodingFailed``.
    """
    head = head or load_open_head()
    folder.mkdir(parents=True, exist_ok=True)
    played = {clip.clip_id: clip for clip in evaluation.played}
    videos = {}
    for number, sound in enumerate(films):
        name = f"film-{number + 1}.mp4"
        film(folder / name, played[sound.clip_id], sound, head)
        videos[sound.clip_id] = name
    plots = {
        "Lip gap of a clip near the best, the median and the worst, by the model's LVE": lip_gaps(_typical(evaluation)),
        "LVE of every clip": errors_per_clip(evaluation, "LVE"),
        "How the head moves": head_spectra(evaluation.played),
    }
    (folder / "evaluation.json").write_text(json.dumps(_plain(evaluation, facts or {}), indent=1, allow_nan=False))
    _write_csv(folder / "per_clip.csv", evaluation)
    target = folder / "report.html"
    target.write_text(page(evaluation, plots, videos, facts or {}), encoding="utf-8")
    return target


def _typical(evaluation: Evaluation) -> list[Played]:
    error = {
        clip.clip_id: clip.values[COLUMN["LVE"]]
        for clip in evaluation.per_clip
        if clip.row is Row.MODEL and clip.span is Span.SPEECH
    }
    ranked = sorted(evaluation.played, key=lambda clip: error[clip.clip_id])
    return [ranked[i] for i in sorted({round(q * (len(ranked) - 1)) for q in _CURVES})]


def _plain(evaluation: Evaluation, facts: Mapping[str, str]) -> dict[str, Any]:
    """JSON has no nan: what is undefined is null."""
    parts = {
        name: [_without_nan(dataclasses.asdict(item)) for item in getattr(evaluation, name)]
        for name in ("warnings", "scores", "differences", "audits")
    }
    return {
        "model": dict(facts),
        "config": evaluation.config.model_dump(mode="json"),
        "n_training_clips": evaluation.n_training_clips,
        "metrics": [dataclasses.asdict(metric) for metric in METRICS],
        **parts,
    }


def _without_nan(record: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in record.items()
    }


def _write_csv(path: Path, evaluation: Evaluation) -> None:
    audits = {audit.clip_id: audit for audit in evaluation.audits}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        known = ("clip_id", "speaker_id", "split", "n_frames", "driven_by", "lag_frames", "late", "row", "span")
        writer.writerow([*known, *(metric.name for metric in METRICS)])
        for clip in evaluation.per_clip:
            audit = audits[clip.clip_id]
            cells = ["" if math.isnan(value) else f"{value:.6g}" for value in clip.values]
            writer.writerow(
                [
                    clip.clip_id,
                    audit.speaker_id,
                    audit.split,
                    audit.n_frames,
                    audit.driven_by,
                    audit.lag_frames,
                    int(audit.late),
                    clip.row,
                    clip.span,
                    *cells,
                ]
            )
