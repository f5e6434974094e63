"""How good a model is, beside the rows that tell what its numbers are worth."""

from collections.abc import Sequence
from typing import Final

from flows.artifacts.markdown import plain, table
from schemas.version import MODEL_ROW, ModelMetric
from tasks.evaluate.measure import METRICS, Better, Metric
from tasks.evaluate.records import Evaluation, Row, Span
from tasks.evaluate.sync import PREFERRED

SHOWN: Final = (
    "LVE", "MOD", "gap correlation", "lip spread", "MTM", "closure recall", "UFVE", "upper spread", "head spread",
    "BA over chance", PREFERRED,
)  # fmt: skip
BESIDE: Final = (Row.TRUTH, Row.SHUFFLED, Row.NEIGHBOURS, Row.MEAN)
_MOST_WARNINGS: Final = 8
_NOTHING: Final = 5e-4
_ARROW: Final = {
    Better.LOWER: "↓", Better.HIGHER: "↑", Better.ONE: "→ 1", Better.TRUTH: "→ truth", Better.NEITHER: "",
}  # fmt: skip


def score_tables(metrics: Sequence[ModelMetric], champion: str | None) -> str:
    """A table for each kind of clips, where they speak: the model with its interval, ``champion`` on the same clips if
    its row is there, the truth, and rows that must lose."""
    speaking = [metric for metric in metrics if metric.span == Span.SPEECH.value]
    if not speaking:
        return "Nothing was measured."
    splits = dict.fromkeys(metric.split for metric in speaking)
    parts = [_table(split, [m for m in speaking if m.split == split], champion) for split in splits]
    legend = (
        "Where they speak; in brackets the 95 % interval over clips; ↓ less is better, ↑ more is. *shuffled audio* is "
        "the model hearing another clip, *nearest in sound* a look-up of training frames, *mean motion* their mean: "
        "all three should lose."
    )
    return "\n\n".join([*parts, legend])


def warnings_text(evaluation: Evaluation) -> str:
    """What beats the model for sure and must not."""
    grave = [w for w in evaluation.warnings if w.sure and w.span is Span.SPEECH and w.row is not Row.OWN_MEAN]
    if not grave:
        return "No row that must lose is better than the model for sure."
    more = f"\n- and {len(grave) - _MOST_WARNINGS} more, in the report" if len(grave) > _MOST_WARNINGS else ""
    return (
        "**Better than the model, and must not be:**\n\n" + "\n".join(f"- {w}" for w in grave[:_MOST_WARNINGS]) + more
    )


def _table(split: str, metrics: Sequence[ModelMetric], champion: str | None) -> str:
    cells = {(metric.metric, metric.row): metric for metric in metrics}
    rivals = [champion] if champion is not None and any(metric.row == champion for metric in metrics) else []
    beside = [*rivals, *(row.value for row in BESIDE)]
    rows = [
        [
            _name(metric),
            _model(cells[metric.name, MODEL_ROW]),
            *(_number(cells.get((metric.name, row))) for row in beside),
        ]
        for metric in METRICS
        if metric.name in SHOWN and (metric.name, MODEL_ROW) in cells
    ]
    heads = ["champion before", *(row.value for row in BESIDE)] if rivals else [row.value for row in BESIDE]
    n_clips = max(metric.n for metric in metrics)
    return f"### {plain(split).capitalize()}: {n_clips} clips\n\n" + table(("metric", "model", *heads), rows)


def _name(metric: Metric) -> str:
    return f"{metric.name}{f', {metric.unit}' if metric.unit else ''} {_ARROW[metric.better]}"


def _model(metric: ModelMetric) -> str:
    # no-break spaces: an interval on two lines is hard to read
    return f"**{_rounded(metric.value)}** ({_rounded(metric.low)}\u00a0…\u00a0{_rounded(metric.high)})"


def _number(metric: ModelMetric | None) -> str:
    return "" if metric is None else _rounded(metric.value)


def _rounded(value: float) -> str:
    return "0" if abs(value) < _NOTHING else f"{value:.3g}"
